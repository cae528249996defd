//! Shutdown.

use crate::support::server_with;
use std::time::Duration;
use tokio::net::TcpStream;

#[tokio::test]
async fn what_is_in_data_is_finished_and_the_others_are_told() {
    let server = server_with(|_, _| ()).await;
    let (mut idle, mut before, mut inside) = (server.plain().await, server.logged_in().await, server.in_data().await);
    before.say("MAIL FROM:<me@example.com>", "250").await;
    inside.send("Subject: last\r\n\r\n").await;
    let (server, handle) = server.split();
    let stopped = tokio::spawn(handle.shutdown());
    for client in [&mut idle, &mut before] {
        client.expect("421 4.3.2").await;
        client.closed().await;
    }
    inside.say(".", "250 2.0.0 Ok: queued as eml_").await;
    inside.expect("421 4.3.2").await;
    inside.closed().await;
    drop((idle, before, inside));
    stopped.await.unwrap();
    assert!(
        TcpStream::connect(server.starttls).await.is_err(),
        "nobody listens any more"
    );
    assert_eq!(server.only().await.row.subject, "last");
}

#[tokio::test]
async fn a_client_that_does_not_finish_is_cut_off() {
    let server = server_with(|_, config| config.timeouts.shutdown = Duration::from_millis(100)).await;
    let mut stuck = server.in_data().await;
    stuck.send("Subject: never").await;
    let (server, handle) = server.split();
    handle.shutdown().await;
    stuck.closed().await;
    assert!(server.stored().await.is_empty());
}
