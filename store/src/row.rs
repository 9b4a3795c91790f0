//! Reading columns of a row as what they stand for.

use std::str::FromStr;

use serde::de::DeserializeOwned;
use slipway_core::time::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use crate::StoreError;

fn corrupt(column: &'static str, message: impl ToString) -> StoreError {
    StoreError::Corrupt { column, message: message.to_string() }
}

pub fn text(row: &AnyRow, column: &'static str) -> Result<String, StoreError> {
    Ok(row.try_get(column)?)
}

pub fn optional_text(row: &AnyRow, column: &'static str) -> Result<Option<String>, StoreError> {
    Ok(row.try_get(column)?)
}

pub fn integer(row: &AnyRow, column: &'static str) -> Result<i64, StoreError> {
    Ok(row.try_get(column)?)
}

pub fn count(row: &AnyRow, column: &'static str) -> Result<u32, StoreError> {
    u32::try_from(integer(row, column)?).map_err(|error| corrupt(column, error))
}

pub fn optional_count(row: &AnyRow, column: &'static str) -> Result<Option<u32>, StoreError> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|value| u32::try_from(value).map_err(|error| corrupt(column, error))).transpose()
}

pub fn position(row: &AnyRow, column: &'static str) -> Result<u64, StoreError> {
    u64::try_from(integer(row, column)?).map_err(|error| corrupt(column, error))
}

pub fn flag(row: &AnyRow, column: &'static str) -> Result<bool, StoreError> {
    Ok(integer(row, column)? != 0)
}

pub fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp(integer(row, column)?))
}

pub fn optional_time(row: &AnyRow, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
    let value: Option<i64> = row.try_get(column)?;
    Ok(value.map(Timestamp))
}

pub fn parsed<T: FromStr<Err: ToString>>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, StoreError> {
    text(row, column)?.parse().map_err(|error: T::Err| corrupt(column, error.to_string()))
}

pub fn optional_parsed<T: FromStr<Err: ToString>>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let value = optional_text(row, column)?;
    let parse = |text: String| {
        text.parse().map_err(|error: T::Err| corrupt(column, error.to_string()))
    };
    value.map(parse).transpose()
}

pub fn json<T: DeserializeOwned>(row: &AnyRow, column: &'static str) -> Result<T, StoreError> {
    serde_json::from_str(&text(row, column)?).map_err(|error| corrupt(column, error))
}

pub fn optional_json<T: DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    let value = optional_text(row, column)?;
    value.map(|text| serde_json::from_str(&text).map_err(|error| corrupt(column, error))).transpose()
}

/// An enum that is stored by its serde name.
pub fn named<T: DeserializeOwned>(row: &AnyRow, column: &'static str) -> Result<T, StoreError> {
    let name = text(row, column)?;
    serde_json::from_value(serde_json::Value::String(name)).map_err(|error| corrupt(column, error))
}

/// A value as stored JSON.
///
/// # Errors
/// Never for the types stored here: their keys are strings.
pub fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| corrupt("json", error))
}
