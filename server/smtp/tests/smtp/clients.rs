//! Clients written by others.

use crate::support::{Server, server};
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::process::Stdio;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

async fn lettre(server: &Server, implicit: bool, mechanism: Mechanism) {
    let tls = TlsParameters::builder("localhost".to_owned())
        .add_root_certificate(Certificate::from_pem(server.pem.as_bytes()).unwrap())
        .build()
        .unwrap();
    let (address, tls) = if implicit {
        (server.implicit, Tls::Wrapper(tls))
    } else {
        (server.starttls, Tls::Required(tls))
    };
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1")
        .port(address.port())
        .tls(tls)
        .authentication(vec![mechanism])
        .credentials(Credentials::new("sendmux".to_owned(), server.key.clone()))
        .build();
    let mailbox = |text: &str| text.parse::<Mailbox>().unwrap();
    let message = Message::builder()
        .from(mailbox("Jörg <joerg@example.com>"))
        .to(mailbox("Ana <ana@example.org>"))
        .subject("Grüße")
        .header(ContentType::TEXT_PLAIN)
        .body(".\n..\nHello.\n".to_owned())
        .unwrap();
    let response = transport.send(message).await.unwrap();
    assert!(response.message().next().unwrap().contains("queued as eml_"));
}

#[tokio::test]
async fn lettre_on_both_ports() {
    let server = server().await;
    for implicit in [false, true] {
        for mechanism in [Mechanism::Plain, Mechanism::Login] {
            lettre(&server, implicit, mechanism).await;
        }
    }
    let stored = server.stored().await;
    assert_eq!(stored.len(), 4);
    for message in stored {
        assert_eq!(
            (message.row.subject.as_str(), message.row.from_name.as_str()),
            ("Grüße", "Jörg")
        );
        assert_eq!(message.recipients, [("to".to_owned(), "ana@example.org".to_owned())]);
        let content = String::from_utf8(message.content).unwrap();
        assert!(content.contains("\r\n\r\n.\r\n..\r\nHello.\r\n"), "{content}");
    }
}

const PYTHON: &str = r#"
import smtplib, ssl, sys
starttls, implicit, key, ca = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
context = ssl.create_default_context(cadata=ca)
for port, secure in ((starttls, False), (implicit, True)):
    for mechanism in ("auth_plain", "auth_login"):
        for initial in (True, False):
            if secure:
                client = smtplib.SMTP_SSL("localhost", port, context=context, timeout=20)
            else:
                client = smtplib.SMTP("localhost", port, timeout=20)
                client.starttls(context=context)
            client.ehlo()
            client.user, client.password = "any", key
            name = mechanism[5:].upper()
            code, text = client.auth(name, getattr(client, mechanism), initial_response_ok=initial)
            assert code == 235, (code, text)
            refused = client.sendmail("j\u00f6rg@example.com", ["ana@example.org", "nobody"],
                "Subject: \u00fc\r\n\r\n.\r\n\u00fc\r\n".encode(), mail_options=["SMTPUTF8", "BODY=8BITMIME"])
            assert list(refused) == ["nobody"], refused
            client.quit()
print("sent")
"#;

#[tokio::test]
async fn python_smtplib_on_both_ports() {
    let server = server().await;
    let ports = [server.starttls, server.implicit].map(|address| address.port().to_string());
    let python = Command::new("python3")
        .arg("-")
        .args(ports)
        .args([&server.key, &server.pem])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn();
    let Ok(mut python) = python else {
        eprintln!("python3 is not here: not tested");
        return;
    };
    python.stdin.take().unwrap().write_all(PYTHON.as_bytes()).await.unwrap();
    let output = python.wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "sent\n");
    let stored = server.stored().await;
    assert_eq!(stored.len(), 8);
    for message in &stored {
        assert!(message.sent().ends_with("\r\n\r\n.\r\nü\r\n".as_bytes()));
    }
}
