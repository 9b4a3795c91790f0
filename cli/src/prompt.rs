//! Questions to the person at the terminal. They block: nothing else is going on meanwhile.

use std::io::{self, BufRead, Read, Write};

use crate::failure::Failure;

/// Asks for a line of text.
pub fn line(question: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question}: ").and_then(|()| stderr.flush()).map_err(|e| unanswered(&e))?;
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer).map_err(|e| unanswered(&e))?;
    if read == 0 { Err(Failure::new("no answer was given")) } else { Ok(answer.trim().to_owned()) }
}

/// Asks for a secret, without showing it.
pub fn secret(question: &str) -> Result<String, Failure> {
    rpassword::prompt_password(format!("{question}: ")).map_err(|error| unanswered(&error))
}

/// Asks whether to go on; anything but yes is no.
pub fn confirm(question: &str) -> Result<bool, Failure> {
    let answer = line(&format!("{question} [y/N]"))?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Everything on standard input, without one final line end.
pub fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
    Ok(without_final_line_end(text))
}

fn without_final_line_end(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    text
}

fn unanswered(error: &io::Error) -> Failure {
    Failure::new(format!("cannot ask on this terminal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_final_line_end_is_taken_off() {
        for (given, kept) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("", "")]
        {
            assert_eq!(without_final_line_end(given.to_owned()), kept);
        }
    }
}
