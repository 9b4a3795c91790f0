//! Embeds the migrations anew when there is another one.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}
