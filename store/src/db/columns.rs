//! From columns to domain types. What cannot be read is named, and never guessed.

use std::fmt::Display;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use slipway_core::deployment::DeploymentKind;
use slipway_core::domain::Domain;
use slipway_core::id::{
    AppId, AuditId, ChannelId, DeliveryId, DeploymentId, DrainId, FiringId, InstallationId,
    InstanceId, InvitationId, JobId, ReleaseId, SessionId, SourceId, TokenId, UserId,
};
use slipway_core::instance::InstanceState;
use slipway_core::name::{AlertName, AppName, ChannelName, ConfigKey, Email, ProcessName};
use slipway_core::time::Timestamp;
use slipway_core::wire::auth::Scope;
use slipway_core::wire::channel::DeliveryState;
use sqlx::any::AnyRow;
use sqlx::{Row, ValueRef};

use crate::error::StoreError;
use crate::logs::LogPosition;

/// A row whose columns are read as domain types.
pub(crate) trait Columns {
    fn col<T: Stored>(&self, column: &str) -> Result<T, StoreError>;
}

impl Columns for AnyRow {
    fn col<T: Stored>(&self, column: &str) -> Result<T, StoreError> {
        T::read(self, column)
    }
}

/// A type that a column can hold.
pub(crate) trait Stored: Sized {
    fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError>;
}

/// A type that a column holds as JSON.
pub(crate) struct Json<T>(pub T);

/// A value as JSON, for a column that [`Json`] reads.
pub(crate) fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("domain types have texts for keys, and nothing else fails")
}

fn corrupt(column: &str, problem: impl Display) -> StoreError {
    StoreError::Corrupt { column: column.to_owned(), problem: problem.to_string() }
}

impl Stored for String {
    fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
        Ok(row.try_get(column)?)
    }
}

impl Stored for i64 {
    fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
        Ok(row.try_get(column)?)
    }
}

impl Stored for Timestamp {
    fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
        i64::read(row, column).map(Self)
    }
}

impl Stored for bool {
    fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
        Ok(i64::read(row, column)? != 0)
    }
}

impl<T: Stored> Stored for Option<T> {
    fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
        if row.try_get_raw(column)?.is_null() { Ok(None) } else { T::read(row, column).map(Some) }
    }
}

impl<T: DeserializeOwned> Stored for Json<T> {
    fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
        let text = String::read(row, column)?;
        serde_json::from_str(&text).map(Self).map_err(|error| corrupt(column, error))
    }
}

macro_rules! stored_numbers {
    ($($number:ty),*) => {$(
        impl Stored for $number {
            fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
                i64::read(row, column)?.try_into().map_err(|error| corrupt(column, error))
            }
        }
    )*};
}

/// Types that are written with `Display` and read with `FromStr`.
macro_rules! stored_texts {
    ($($text:ty),*) => {$(
        impl Stored for $text {
            fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
                <$text>::from_str(&String::read(row, column)?)
                    .map_err(|error| corrupt(column, error))
            }
        }
    )*};
}

/// Enums whose name in the database is their name on the wire.
macro_rules! stored_names {
    ($($name:ty),*) => {$(
        impl Stored for $name {
            fn read(row: &AnyRow, column: &str) -> Result<Self, StoreError> {
                let name = serde_json::Value::String(String::read(row, column)?);
                serde_json::from_value(name).map_err(|error| corrupt(column, error))
            }
        }
    )*};
}

stored_numbers!(u16, u32, u64);
stored_texts!(
    AppId,
    AuditId,
    DeploymentId,
    DrainId,
    InstallationId,
    InstanceId,
    InvitationId,
    JobId,
    ReleaseId,
    SessionId,
    SourceId,
    TokenId,
    UserId,
    AppName,
    Domain,
    ConfigKey,
    Email,
    ProcessName,
    SocketAddr,
    LogPosition,
    FiringId,
    ChannelId,
    DeliveryId,
    AlertName,
    ChannelName
);
stored_names!(DeploymentKind, InstanceState, Scope, DeliveryState);
