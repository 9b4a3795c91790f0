//! What receivers get.

mod recipients;

use slipway_core::alert::{Bounds, Severity};
use slipway_core::id::{ChannelId, DeliveryId, FiringId, Id};
use slipway_core::wire::alert::Firing;
use slipway_store::Message;

use super::*;

fn firing(ended: bool) -> Firing {
    Firing {
        id: FiringId::from_bits(1),
        app: Some("shop".parse().unwrap()),
        alert: "errors".parse().unwrap(),
        severity: Severity::Critical,
        sentence: "errors is 3.2 %, above 1 % for 5 min".to_owned(),
        value: 3.2,
        bounds: Bounds { threshold: 1.0, clear: 0.9 },
        started_at: Timestamp(1_764_110_000_000),
        ended_at: ended.then_some(Timestamp(1_764_110_545_000)),
        ending: ended
            .then(|| "errors is 0 % again after 9 min 5 s; at worst it was 7 %".to_owned()),
    }
}

fn owed(message: Message) -> Owed {
    Owed {
        id: DeliveryId::from_bits(2),
        channel_id: ChannelId::from_bits(3),
        message,
        created_at: Timestamp(1_764_110_000_000),
        attempts: 1,
    }
}

fn messages() -> [Message; 3] {
    let by = "ada <ada@example.com> & @everyone".to_owned();
    [
        Message::Fires { firing: firing(false) },
        Message::Ends { firing: firing(true) },
        Message::Test { channel: "ops".parse().unwrap(), by },
    ]
}

#[test]
fn each_kind_of_receiver_gets_what_it_reads() {
    let text = |body: Vec<u8>| String::from_utf8(body).unwrap();
    let all: Vec<String> = messages()
        .into_iter()
        .flat_map(|message| {
            let (slack, discord) = (chat::slack(&message), chat::discord(&message));
            [text(webhook::body(&owed(message))), slack, discord]
        })
        .collect();
    insta::assert_snapshot!(all.join("\n"));
}

/// The expected value was computed with `openssl dgst -sha256 -hmac`.
#[test]
fn a_signature_is_what_others_compute() {
    let signature =
        webhook::signature("a secret of some length", Timestamp(1_764_110_000_999), b"{}");
    let expected = "c3c17261e6ebe39686760d530922709d4dea65b3f039b533e55b340317c85ce0";
    assert_eq!(signature, format!("t=1764110000,v1={expected}"));
}
