"""The texts of messages, and the values that must not break them."""

import re

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from crudauth_django.channels.segments import segments
from crudauth_django.channels.texts import (
    SMS_NAME_LENGTH,
    duration,
    render_email,
    render_sms,
)
from crudauth_django.kinds import KINDS, NOTICE_KINDS, TOKEN_KINDS, MessageKind
from tests.support.links import links_in
from tests.support.messages import (
    LANGUAGES,
    TEST_MESSAGE,
    TOKEN,
    Document,
    longest_intent,
    make_intent,
    write_template,
)

#: Languages with all letters in GSM-7.
ONE_SEGMENT = ("en", "es", "fr", "de", "pt", "pt-br")
#: Names of many characters, of characters that take two septets each, and of
#: characters that GSM-7 does not have.
WORST_NAMES = (
    "trinity-of-the-nebuchadnezzar",
    "{|}~^" * 8 + "@example.com",
    "\u20ac" * 30,
    "\u0436" * 30,
    "\u0142ukasz.\u0142ukasz",
    "\U0001f600" * 30,
    "win.example.com/18005551234",
)
#: Words for a medium; an account may have another one.
MEDIA = re.compile(
    r"e-?mail|inbox|\bsms\b|phone|number|correo|tel[eé]fono|courriel|t[eé]l[eé]phone"
    r"|telefon|telemóvel|ईमेल|फ़ोन|بريد|هاتف|电话|手机|邮|短信",
    re.IGNORECASE,
)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_sms_has_account_link_and_lifetime(kind, language):
    message = longest_intent(kind, language=language, account="trinity")

    text = render_sms(message)

    assert message.account in text
    assert message.link in text
    with translation.override(language):
        assert kind in NOTICE_KINDS or duration(message.expires_in) in text
    assert "\n" not in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_mail_has_account_link_and_lifetime(kind, language):
    message = longest_intent(kind, language=language)

    mail = render_email(message)

    page = Document(mail.html)
    for text in (mail.text, page.text):
        assert message.account in text
        with translation.override(language):
            assert kind in NOTICE_KINDS or duration(message.expires_in) in text
    assert message.link in mail.text
    assert [a["href"] for a in page.attributes_of("a")] == [message.link] * (
        kind in TOKEN_KINDS
    )
    assert mail.subject
    assert mail.subject == page.text.strip().splitlines()[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("options", [{}, {"link": ""}], ids=["link", "token"])
def test_body_of_mail_names_account_beside_greeting(kind, language, options):
    message = longest_intent(kind, language=language, **options)

    mail = render_email(message)

    assert mail.text.count(message.account) == 2
    assert Document(mail.html).text.count(message.account) == 2


@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_text_has_advice_for_another_person(kind):
    message = longest_intent(kind)

    mail = render_email(message)

    assert render_sms(message).endswith(" Not you? Ignore this.")
    advice = (
        "If you did not ask for this, or it is not your account, ignore this message"
    )
    assert advice in mail.text
    assert advice in Document(mail.html).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_texts_without_link_have_the_token(kind, language):
    message = longest_intent(kind, language=language, link="")

    mail = render_email(message)

    assert TOKEN in render_sms(message)
    assert TOKEN in mail.text
    assert TOKEN in Document(mail.html).text
    assert not Document(mail.html).attributes_of("a")


@pytest.mark.parametrize("language", ONE_SEGMENT)
@pytest.mark.parametrize("kind", [*KINDS, TEST_MESSAGE])
@pytest.mark.parametrize("account", WORST_NAMES, ids=ascii)
def test_sms_is_one_segment(kind, language, account):
    text = render_sms(longest_intent(kind, language=language, account=account))

    assert segments(text) == 1, f"{len(text)}: {text}"


def test_reset_sms_starts_as_in_the_recipe():
    link = f"https://app.example.com/recover?token={TOKEN}"

    text = render_sms(longest_intent(MessageKind.RESET_PASSWORD, link=link))

    assert text.startswith(f"Reset your password: {link} ")
    assert segments(text) == 1


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [*KINDS, TEST_MESSAGE])
def test_texts_name_no_medium(kind, language):
    message = longest_intent(kind, language=language)

    mail = render_email(message)

    for text in (
        render_sms(message),
        mail.subject,
        mail.text,
        Document(mail.html).text,
    ):
        assert not MEDIA.search(text), text


def test_test_message_requires_no_action():
    message = longest_intent(TEST_MESSAGE, account="")

    mail = render_email(message)

    assert render_sms(message) == "This is a test message. There is nothing to do."
    assert mail.subject == "Test message"
    assert mail.text == render_sms(message) + "\n"
    assert render_sms(message) in mail.html


def test_html_is_escaped_and_plain_text_is_not():
    message = longest_intent(
        MessageKind.VERIFY_RECOVERY,
        account="<b>Ada & Co</b>",
        link=f'https://a.example.com/?a="1"&token={TOKEN}',
    )

    mail = render_email(message)

    assert "<b>" not in mail.html
    assert "&lt;b&gt;Ada &amp; Co&lt;/b&gt;" in mail.html
    assert Document(mail.html).attributes_of("a")[0]["href"] == message.link
    for text in (mail.text, render_sms(message)):
        assert message.account in text
        assert message.link in text


def test_subject_is_one_line_for_any_account_name(settings, tmp_path):
    name = "reset_password.subject.txt"
    write_template(settings, tmp_path, f"email/{name}", "\nFor {{ account }}\n\n")
    account = "neo\r\nBcc: all@example.com\x0b\x85\u2028\x00x"

    mail = render_email(longest_intent(MessageKind.RESET_PASSWORD, account=account))

    sent = EmailMultiAlternatives(mail.subject, mail.text, to=["neo@example.com"])
    assert mail.subject == "For neo Bcc: all@example. com x"
    assert sent.message()["Bcc"] is None


def test_subject_is_escaped_in_html(settings, tmp_path):
    name = "reset_password.subject.txt"
    write_template(settings, tmp_path, f"email/{name}", "For {{ account }}")

    mail = render_email(longest_intent(MessageKind.RESET_PASSWORD, account="<i>neo"))

    assert mail.subject == "For <i>neo"
    assert "<i>" not in mail.html
    assert Document(mail.html).attributes_of("i") == []


@pytest.mark.parametrize(
    "account", ["neo\nYour bank: http://evil.example", "neo\u202eoen", "neo\x1b[2J"]
)
def test_account_name_cannot_break_or_turn_a_line(account):
    text = render_sms(longest_intent(MessageKind.RESET_PASSWORD, account=account))

    assert text.isprintable()


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("ada.lovelace", "ada. lovelace"),
        ("ada...", "ada..."),
        ("ada@example.com", "ada@example. com"),
        ("http://evil/x", "http: //evil/x"),
        ("@ada", "@ ada"),
        ("call+18005551234", "call+... 1234"),
        ("ada19851224", "ada... 1224"),
        ("ada198512", "ada198512"),
        ("1-800-555-1234", "... 1234"),
    ],
)
def test_name_is_shown_without_links(account, shown):
    message = longest_intent(MessageKind.PASSWORD_CHANGED, account=account)

    assert f"password of {shown} has" in render_sms(message)
    assert f"your account {shown} has" in render_email(message).text


names = st.text(
    st.sampled_from("abc019 .:/@+-_()?=\u3002\uff0e\u0661\u00e9\u0436"), max_size=40
)


@given(name=names, kind=st.sampled_from(KINDS))
def test_no_name_adds_a_link(name, kind):
    message = longest_intent(kind, account=name, link="", token="")

    mail = render_email(message)

    for text in (
        render_sms(message),
        mail.subject,
        mail.text,
        Document(mail.html).text,
    ):
        assert links_in(text) == [], text


@pytest.mark.parametrize("own", ["first.last+x@example.com", "+12125552368"])
def test_own_value_of_recipient_is_shown_whole(own):
    message = longest_intent(MessageKind.RESET_PASSWORD, account=own, recipient=own)

    assert own in render_email(message).text
    assert (own in render_sms(message)) is (len(own) <= SMS_NAME_LENGTH)


def test_own_value_that_starts_like_a_link_is_broken():
    own = "win.example/prize@example.com"
    message = longest_intent(MessageKind.RESET_PASSWORD, account=own, recipient=own)

    assert "win. example/prize" in render_email(message).text
    assert "win.example" not in render_sms(message)


def test_account_name_cannot_become_a_link():
    message = longest_intent(MessageKind.RESET_PASSWORD, account="win.example.com")
    mail = render_email(message)

    assert "(win. example" in render_sms(message)
    assert "win.example" not in mail.subject + mail.text + mail.html


everything = st.text(st.characters(exclude_categories=()))


@given(account=everything, language=everything)
def test_any_account_name_and_language_render(account, language):
    plain = Document(render_email(longest_intent(MessageKind.RESET_PASSWORD)).html)

    message = longest_intent(
        MessageKind.RESET_PASSWORD, account=account, language=language
    )
    mail = render_email(message)

    assert render_sms(message).isprintable()
    assert Document(mail.html).tags[1:] == plain.tags[1:]  # all but <html lang>
    assert mail.text.count("\n") == render_email(
        longest_intent(MessageKind.RESET_PASSWORD)
    ).text.count("\n")
    assert (mail.text + mail.html).encode()


@pytest.mark.parametrize(
    ("account", "shown"),
    [
        ("a" * 20, "a" * 20),
        ("a" * 21, "a" * 17 + "..."),
        ("new_user.long@example.com", "new_user. long@ex..."),
        ("{" * 11, "{" * 8 + "..."),
        ("joão", "joao"),
        ("иван", "your account"),
        ("łukasz", "your account"),
    ],
)
def test_sms_shortens_account_name(account, shown):
    message = make_intent(MessageKind.RESET_PASSWORD, account=account)

    assert f"({shown}, 1 hour)" in render_sms(message)


@pytest.mark.parametrize(
    ("token", "shown"),
    [("x" * 50, "trinity-of-the-nebuc"), ("x" * 60, "trinity-of-t...")],
)
def test_long_link_shortens_account_name_further(token, shown):
    link = f"https://app.example.com/a?t={token}"
    message = longest_intent(MessageKind.RESET_PASSWORD, link=link)

    text = render_sms(message)

    assert f"({shown}, 24 hours)" in text
    assert segments(text) == 1


def test_too_long_link_leaves_the_name():
    link = "https://app.example.com/a?t=" + "x" * 100
    message = longest_intent(MessageKind.RESET_PASSWORD, link=link)

    assert "(trinity-of-the-nebuc, 24 hours)" in render_sms(message)


def test_text_outside_gsm7_names_account_in_full():
    message = longest_intent(MessageKind.RESET_PASSWORD, account="иван", language="ar")

    assert "(иван، " in render_sms(message)


@pytest.mark.parametrize("kind", [*KINDS, TEST_MESSAGE])
def test_mail_loads_no_remote_content(kind):
    page = Document(render_email(longest_intent(kind)).html)

    tags = {tag for tag, _attributes in page.tags}
    styles = [attributes.get("style", "") for _tag, attributes in page.tags]
    assert tags.isdisjoint({"img", "link", "script", "iframe", "style", "object"})
    assert not any("src" in attributes for _tag, attributes in page.tags)
    assert not any("url" in style for style in styles)


def test_overridden_template_gets_the_whole_context(settings, tmp_path):
    source = (
        "{% load i18n %}{% get_current_language as code %}{{ code }} {{ kind }} "
        "{{ account }} {{ link }} {{ token }} {{ expires_in }}"
    )
    write_template(settings, tmp_path, "sms/reset_password.txt", source)
    message = longest_intent(
        MessageKind.RESET_PASSWORD, language="es-mx", account="<neo>"
    )

    text = render_sms(message)

    expected = f"es-mx reset_password <neo> {message.link} {TOKEN} 24 horas"
    assert text == expected
    assert "Verifique" in render_sms(
        longest_intent(MessageKind.VERIFY_RECOVERY, language="es")
    )


def test_project_without_templates_renders_messages(settings):
    settings.TEMPLATES = []

    assert render_sms(longest_intent(MessageKind.RESET_PASSWORD)).startswith(
        "Reset your password: "
    )
    assert TOKEN in render_email(longest_intent(MessageKind.RESET_PASSWORD)).html
