//! Snippets that send over SMTP, each as it would be written by hand in its language.

use super::model::SmtpSetup;

/// The user name in snippets; any will do.
const USER: &str = "sendmux";

/// Code for a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// A short name, for the page's own use.
    pub id: &'static str,
    /// The client.
    pub title: &'static str,
    /// Hint at where the code belongs.
    pub hint: &'static str,
    /// The code.
    pub code: String,
}

/// Values of the snippets.
struct Filled<'a> {
    host: &'a str,
    port: u16,
    /// TLS begins with the connection.
    is_implicit: bool,
    is_self_signed: bool,
    key: &'a str,
    /// Sender and recipient: the viewer.
    address: &'a str,
}

/// A snippet for every client, with host, port and key filled in; messages go from `address` to itself.
pub fn snippets(setup: &SmtpSetup, port: u16, key: &str, address: &str) -> Vec<Snippet> {
    let filled = Filled {
        host: &setup.host,
        port,
        is_implicit: setup.starttls_port != Some(port),
        is_self_signed: setup.is_self_signed,
        key,
        address,
    };
    let snippet = |id, title, hint, code| Snippet { id, title, hint, code };
    vec![
        snippet("swaks", "swaks", "in a terminal", swaks(&filled)),
        snippet("nodemailer", "Node.js", "with nodemailer", nodemailer(&filled)),
        snippet("python", "Python", "with smtplib", python(&filled)),
        snippet("php", "PHP", "with PHPMailer", php(&filled)),
        snippet(
            "rails",
            "Ruby on Rails",
            "config/environments/production.rb",
            rails(&filled),
        ),
        snippet("django", "Django", "settings.py", django(&filled)),
        snippet("postfix", "Postfix", "as a smarthost", postfix(&filled)),
    ]
}

/// The line when the condition holds, and nothing otherwise.
fn line(holds: bool, line: &str) -> String {
    if holds { format!("{line}\n") } else { String::new() }
}

fn swaks(filled: &Filled<'_>) -> String {
    let Filled { host, port, .. } = filled;
    let tls = if filled.is_implicit {
        "--tls-on-connect"
    } else {
        "--tls"
    };
    let (key, address) = (in_shell(filled.key), in_shell(filled.address));
    format!(
        "swaks --server {host} --port {port} {tls} \\\n  \
           --auth PLAIN --auth-user {USER} --auth-password {key} \\\n  \
           --from {address} --to {address} \\\n  \
           --header 'Subject: Hello from Sendmux' --body 'It works.'"
    )
}

fn nodemailer(filled: &Filled<'_>) -> String {
    let (host, key, address) = (double(filled.host), double(filled.key), double(filled.address));
    let (port, implicit) = (filled.port, filled.is_implicit);
    let require = line(!implicit, "  requireTLS: true,");
    let unverified = line(
        filled.is_self_signed,
        "  tls: { rejectUnauthorized: false }, // only while the certificate is self-signed",
    );
    format!(
        "import nodemailer from \"nodemailer\";\n\n\
         const transport = nodemailer.createTransport({{\n  \
           host: {host},\n  \
           port: {port},\n  \
           secure: {implicit},\n\
         {require}  \
           auth: {{ user: \"{USER}\", pass: {key} }},\n\
         {unverified}\
         }});\n\n\
         await transport.sendMail({{\n  \
           from: {address},\n  \
           to: {address},\n  \
           subject: \"Hello from Sendmux\",\n  \
           text: \"It works.\",\n\
         }});"
    )
}

fn python(filled: &Filled<'_>) -> String {
    let (host, key, address) = (double(filled.host), double(filled.key), double(filled.address));
    let port = filled.port;
    let unverified = line(
        filled.is_self_signed,
        "# Only while the certificate is self-signed:\ncontext.check_hostname = False\ncontext.verify_mode = ssl.CERT_NONE",
    );
    let (client, starttls) = if filled.is_implicit {
        (format!("smtplib.SMTP_SSL({host}, {port}, context=context)"), "")
    } else {
        (
            format!("smtplib.SMTP({host}, {port})"),
            "    client.starttls(context=context)\n",
        )
    };
    format!(
        "import smtplib\n\
         import ssl\n\
         from email.message import EmailMessage\n\n\
         message = EmailMessage()\n\
         message[\"From\"] = {address}\n\
         message[\"To\"] = {address}\n\
         message[\"Subject\"] = \"Hello from Sendmux\"\n\
         message.set_content(\"It works.\")\n\n\
         context = ssl.create_default_context()\n\
         {unverified}\n\
         with {client} as client:\n\
         {starttls}    client.login(\"{USER}\", {key})\n    client.send_message(message)"
    )
}

fn php(filled: &Filled<'_>) -> String {
    let (host, key, address) = (single(filled.host), single(filled.key), single(filled.address));
    let port = filled.port;
    let secure = if filled.is_implicit {
        "ENCRYPTION_SMTPS"
    } else {
        "ENCRYPTION_STARTTLS"
    };
    let unverified = line(
        filled.is_self_signed,
        "// Only while the certificate is self-signed:\n\
         $mail->SMTPOptions = ['ssl' => ['verify_peer' => false, 'verify_peer_name' => false, 'allow_self_signed' => true]];",
    );
    format!(
        "<?php\n\
         // composer require phpmailer/phpmailer\n\
         use PHPMailer\\PHPMailer\\PHPMailer;\n\n\
         require 'vendor/autoload.php';\n\n\
         $mail = new PHPMailer(true);\n\
         $mail->isSMTP();\n\
         $mail->Host = {host};\n\
         $mail->Port = {port};\n\
         $mail->SMTPSecure = PHPMailer::{secure};\n\
         $mail->SMTPAuth = true;\n\
         $mail->Username = '{USER}';\n\
         $mail->Password = {key};\n\
         {unverified}\n\
         $mail->setFrom({address});\n\
         $mail->addAddress({address});\n\
         $mail->Subject = 'Hello from Sendmux';\n\
         $mail->Body = 'It works.';\n\
         $mail->send();"
    )
}

fn rails(filled: &Filled<'_>) -> String {
    let (host, key) = (double(filled.host), double(filled.key));
    let port = filled.port;
    let tls = if filled.is_implicit {
        "tls: true"
    } else {
        "enable_starttls: true"
    };
    let unverified = line(
        filled.is_self_signed,
        "  openssl_verify_mode: \"none\", # only while the certificate is self-signed",
    );
    format!(
        "config.action_mailer.delivery_method = :smtp\n\
         config.action_mailer.smtp_settings = {{\n  \
           address: {host},\n  \
           port: {port},\n  \
           user_name: \"{USER}\",\n  \
           password: {key},\n  \
           authentication: :plain,\n\
         {unverified}  \
           {tls}\n\
         }}"
    )
}

fn django(filled: &Filled<'_>) -> String {
    let (host, key, address) = (double(filled.host), double(filled.key), double(filled.address));
    let port = filled.port;
    let tls = if filled.is_implicit {
        "EMAIL_USE_SSL"
    } else {
        "EMAIL_USE_TLS"
    };
    let unverified = line(
        filled.is_self_signed,
        "# Django trusts no self-signed certificate: give the process SSL_CERT_FILE with data/self-signed.crt of Sendmux.",
    );
    format!(
        "{unverified}\
         EMAIL_BACKEND = \"django.core.mail.backends.smtp.EmailBackend\"\n\
         EMAIL_HOST = {host}\n\
         EMAIL_PORT = {port}\n\
         EMAIL_HOST_USER = \"{USER}\"\n\
         EMAIL_HOST_PASSWORD = {key}\n\
         {tls} = True\n\
         DEFAULT_FROM_EMAIL = {address}"
    )
}

/// RFC 5321 brackets keep Postfix from looking for the host's MX.
fn postfix(filled: &Filled<'_>) -> String {
    let Filled { host, port, key, .. } = filled;
    let level = if filled.is_self_signed {
        "smtp_tls_security_level = encrypt"
    } else {
        "smtp_tls_security_level = secure\nsmtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt"
    };
    let wrapper = line(filled.is_implicit, "smtp_tls_wrappermode = yes");
    format!(
        "# /etc/postfix/main.cf (needs the SASL modules: Debian's libsasl2-modules)\n\
         relayhost = [{host}]:{port}\n\
         smtp_sasl_auth_enable = yes\n\
         smtp_sasl_password_maps = texthash:/etc/postfix/sendmux\n\
         smtp_sasl_security_options = noanonymous\n\
         smtp_sasl_tls_security_options = noanonymous\n\
         {level}\n\
         {wrapper}\n\
         # /etc/postfix/sendmux (chmod 600, then: postfix reload)\n\
         [{host}]:{port} {USER}:{key}"
    )
}

/// Between single quotes of a shell.
fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Between double quotes, as JavaScript, Python and Ruby read them.
fn double(text: &str) -> String {
    format!(
        "\"{}\"",
        text.replace('\\', r"\\").replace('"', "\\\"").replace("#{", "\\#{")
    )
}

/// Between single quotes, as PHP reads them.
fn single(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(starttls_port: Option<u16>, tls_port: Option<u16>, is_self_signed: bool) -> SmtpSetup {
        SmtpSetup {
            host: "mail.example.com".to_owned(),
            starttls_port,
            tls_port,
            is_self_signed,
            is_out_of_reach: false,
        }
    }

    #[test]
    fn every_snippet_is_filled_in() {
        for setup in [setup(Some(587), Some(465), false), setup(None, Some(465), true)] {
            let (port, is_implicit) = setup.port().unwrap();
            for snippet in snippets(&setup, port, "smx_live_abc", "ana@example.com") {
                for part in ["mail.example.com", &port.to_string(), "smx_live_abc"] {
                    assert!(
                        snippet.code.contains(part),
                        "{}: no {part} in\n{}",
                        snippet.title,
                        snippet.code
                    );
                }
                let is_warned = snippet.code.contains("self-signed") || matches!(snippet.id, "swaks" | "postfix");
                assert_eq!(
                    is_warned,
                    is_implicit || matches!(snippet.id, "swaks" | "postfix"),
                    "{}",
                    snippet.code
                );
            }
        }
    }

    #[test]
    fn an_address_with_a_quote_breaks_no_language() {
        assert_eq!(in_shell("o'neil@example.com"), r"'o'\''neil@example.com'");
        assert_eq!(single("o'neil@example.com"), r"'o\'neil@example.com'");
        assert_eq!(double(r#"a"b\c"#), r#""a\"b\\c""#);
        assert_eq!(double("#{x}"), "\"\\#{x}\"");
    }
}
