//! Incoming webhooks of chat programs.

use serde_json::json;
use slipway_core::alert::Severity;
use slipway_store::Message;

/// The most characters that Discord takes.
const LONGEST_DISCORD: usize = 2000;

/// For Slack, which reads `<…>` as links and mentions.
pub fn slack(message: &Message) -> String {
    let text = marked(message).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    json!({ "text": text }).to_string()
}

/// For Discord; nobody is mentioned, whatever the text says.
pub fn discord(message: &Message) -> String {
    let text: String = marked(message).chars().take(LONGEST_DISCORD).collect();
    json!({ "content": text, "allowed_mentions": { "parse": [] } }).to_string()
}

/// The message behind a sign that is seen from afar.
fn marked(message: &Message) -> String {
    let sign = match message {
        Message::Fires { firing } if firing.severity == Severity::Critical => "🔴",
        Message::Fires { .. } => "🟠",
        Message::Ends { .. } => "🟢",
        Message::Test { .. } => "🔵",
    };
    format!("{sign} {}", message.subject())
}
