//! What a sandbox's network may not reach, as the kernel's netlink messages.
//!
//! Clouds answer with the host's credentials on link-local addresses (169.254.169.254). A policy
//! rule inside the namespace prohibits TCP to all of them; an instance lacks the capability to
//! remove it. UDP stays open, because some clouds put the name server on the same address, and
//! Docker's resolver asks it from inside the namespace.

use std::net::Ipv4Addr;

/// 169.254.0.0/16.
const LINK_LOCAL: (Ipv4Addr, u8) = (Ipv4Addr::new(169, 254, 0, 0), 16);
/// Before the main table (32766), after the local one (0).
const PRIORITY: u32 = 100;

const NEW_RULE: u16 = 32;
/// Request, answer wanted, create.
const FLAGS: u16 = 0x001 | 0x004 | 0x400;
const IPV4: u8 = 2;
const PROHIBIT: u8 = 8;
const TCP: u8 = 6;
const ATTRIBUTE_DESTINATION: u16 = 1;
const ATTRIBUTE_PRIORITY: u16 = 6;
const ATTRIBUTE_PROTOCOL: u16 = 22;

/// The messages, one after the other, each starting with its own length.
pub fn messages() -> Vec<u8> {
    let (address, prefix) = LINK_LOCAL;
    let mut rule = vec![IPV4, prefix, 0, 0, 0, 0, 0, PROHIBIT];
    rule.extend(0_u32.to_le_bytes()); // flags
    rule.extend(attribute(ATTRIBUTE_DESTINATION, &address.octets()));
    rule.extend(attribute(ATTRIBUTE_PRIORITY, &PRIORITY.to_le_bytes()));
    rule.extend(attribute(ATTRIBUTE_PROTOCOL, &[TCP]));
    message(NEW_RULE, &rule)
}

/// `struct nlmsghdr` and its payload.
fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut message = length(16 + payload.len(), u32::to_le_bytes).to_vec();
    message.extend(kind.to_le_bytes());
    message.extend(FLAGS.to_le_bytes());
    message.extend(1_u32.to_le_bytes()); // sequence number
    message.extend(0_u32.to_le_bytes()); // from: filled in by the kernel
    message.extend(payload);
    message
}

/// `struct rtattr` and its payload, padded to four bytes.
fn attribute(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut attribute = length(4 + payload.len(), u16::to_le_bytes).to_vec();
    attribute.extend(kind.to_le_bytes());
    attribute.extend(payload);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

fn length<N: TryFrom<usize>, const BYTES: usize>(
    bytes: usize,
    encode: fn(N) -> [u8; BYTES],
) -> [u8; BYTES] {
    encode(N::try_from(bytes).ok().expect("messages are a few dozen bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_states_its_own_length_and_is_aligned() {
        let messages = messages();
        assert_eq!(messages[..4], u32::try_from(messages.len()).unwrap().to_le_bytes());
        assert_eq!(messages.len() % 4, 0);
        assert_eq!(messages[28..36], [8, 0, 1, 0, 169, 254, 0, 0]);
    }
}
