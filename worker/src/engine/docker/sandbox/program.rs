//! The program inside a sandbox: it installs the routing rules it is given, then waits for SIGTERM.
//!
//! A static ELF file of less than 600 bytes, written here by hand because a network namespace needs a
//! process to hold it open and there may be no registry to get one from. It starts in
//! microseconds, needs one page of memory, and has no libc, no files and no input.
//!
//! ```text
//!   0x000  ELF header, one program header: the whole file, readable and executable
//!   0x078  code:  fd = socket(netlink)
//!                 for each message: send it, receive the answer, exit(errno) if it was refused
//!                 block SIGTERM and SIGINT, wait for either, exit(0)
//!   0x200  the set of signals waited for
//!   0x208  netlink messages, each starting with its length, ended by a zero length
//! ```
//!
//! Signals are blocked and waited for rather than handled: the program is process 1 of its
//! container, and the kernel drops unblocked signals to process 1 that have no handler.

use super::rules;

/// A processor the program exists for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    X86_64,
    Aarch64,
}

/// Where the file is mapped. The code below names addresses in it.
const BASE: u64 = 0x40_0000;
const CODE: usize = 0x78;
const DATA: usize = 0x200;
/// SIGINT (2) and SIGTERM (15) as the kernel's signal set.
const SIGNALS: u64 = 1 << (2 - 1) | 1 << (15 - 1);

impl Architecture {
    /// The architecture by the daemon's name for it.
    pub fn of_daemon(name: &str) -> Option<Self> {
        match name {
            "amd64" | "x86_64" => Some(Self::X86_64),
            "arm64" | "aarch64" => Some(Self::Aarch64),
            _ => None,
        }
    }

    /// The number of ELF's `e_machine`.
    fn machine(self) -> u16 {
        match self {
            Self::X86_64 => 62,
            Self::Aarch64 => 183,
        }
    }

    fn code(self) -> Vec<u8> {
        match self {
            Self::X86_64 => X86_64.concat(),
            Self::Aarch64 => AARCH64.iter().flat_map(|word| word.to_le_bytes()).collect(),
        }
    }
}

/// The executable file.
pub fn executable(architecture: Architecture) -> Vec<u8> {
    let mut data = SIGNALS.to_le_bytes().to_vec();
    data.extend(rules::messages());
    data.extend(0_u32.to_le_bytes());
    let mut file = header(architecture, DATA + data.len());
    file.extend(architecture.code());
    file.resize(DATA, 0);
    file.extend(data);
    file
}

fn header(architecture: Architecture, length: usize) -> Vec<u8> {
    let length = length as u64;
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec(); // 64 bit, little endian
    header.extend(2_u16.to_le_bytes()); // executable
    header.extend(architecture.machine().to_le_bytes());
    header.extend(1_u32.to_le_bytes()); // ELF version
    header.extend((BASE + CODE as u64).to_le_bytes()); // entry
    header.extend(64_u64.to_le_bytes()); // program headers follow
    header.extend(0_u64.to_le_bytes()); // no sections
    header.extend(0_u32.to_le_bytes()); // flags
    for size_or_count in [64_u16, 56, 1, 0, 0, 0] {
        header.extend(size_or_count.to_le_bytes());
    }
    header.extend(1_u32.to_le_bytes()); // PT_LOAD
    header.extend(5_u32.to_le_bytes()); // readable, executable
    for value in [0, BASE, BASE, length, length, 0x1000] {
        header.extend(value.to_le_bytes()); // offset, addresses, sizes, alignment
    }
    header
}

/// Buffers for answers lie below the stack pointer: no signal handler ever writes there.
#[rustfmt::skip]
const X86_64: &[&[u8]] = &[
    &[0xb8, 41, 0, 0, 0],                   //         mov eax, 41 (socket)
    &[0xbf, 16, 0, 0, 0],                   //         mov edi, 16 (AF_NETLINK)
    &[0xbe, 3, 0, 0, 0],                    //         mov esi, 3 (SOCK_RAW)
    &[0x31, 0xd2],                          //         xor edx, edx (NETLINK_ROUTE)
    &[0x0f, 0x05],                          //         syscall
    &[0x89, 0xc3],                          //         mov ebx, eax
    &[0xbd, 0x08, 0x02, 0x40, 0],           //         mov ebp, 0x400208
    &[0x8b, 0x55, 0],                       // next:   mov edx, [rbp]
    &[0x85, 0xd2],                          //         test edx, edx
    &[0x74, 0x47],                          //         jz wait
    &[0xb8, 44, 0, 0, 0],                   //         mov eax, 44 (sendto)
    &[0x89, 0xdf],                          //         mov edi, ebx
    &[0x89, 0xee],                          //         mov esi, ebp
    &[0x45, 0x31, 0xd2],                    //         xor r10d, r10d
    &[0x45, 0x31, 0xc0],                    //         xor r8d, r8d
    &[0x45, 0x31, 0xc9],                    //         xor r9d, r9d
    &[0x0f, 0x05],                          //         syscall
    &[0x85, 0xc0],                          //         test eax, eax
    &[0x78, 0x61],                          //         js exit
    &[0xb8, 45, 0, 0, 0],                   //         mov eax, 45 (recvfrom)
    &[0x89, 0xdf],                          //         mov edi, ebx
    &[0x48, 0x8d, 0xb4, 0x24, 0, 0xfe, 0xff, 0xff], // lea rsi, [rsp - 512]
    &[0xba, 0, 2, 0, 0],                    //         mov edx, 512
    &[0x45, 0x31, 0xd2],                    //         xor r10d, r10d
    &[0x45, 0x31, 0xc0],                    //         xor r8d, r8d
    &[0x45, 0x31, 0xc9],                    //         xor r9d, r9d
    &[0x0f, 0x05],                          //         syscall
    &[0x85, 0xc0],                          //         test eax, eax
    &[0x78, 0x3e],                          //         js exit
    &[0x8b, 0x46, 0x10],                    //         mov eax, [rsi + 16] (the answer's errno)
    &[0x85, 0xc0],                          //         test eax, eax
    &[0x75, 0x37],                          //         jnz exit
    &[0x03, 0x6d, 0],                       //         add ebp, [rbp]
    &[0xeb, 0xb2],                          //         jmp next
    &[0xb8, 14, 0, 0, 0],                   // wait:   mov eax, 14 (rt_sigprocmask)
    &[0x31, 0xff],                          //         xor edi, edi (SIG_BLOCK)
    &[0xbe, 0, 0x02, 0x40, 0],              //         mov esi, 0x400200
    &[0x31, 0xd2],                          //         xor edx, edx
    &[0x41, 0xba, 8, 0, 0, 0],              //         mov r10d, 8
    &[0x0f, 0x05],                          //         syscall
    &[0xb8, 128, 0, 0, 0],                  // again:  mov eax, 128 (rt_sigtimedwait)
    &[0xbf, 0, 0x02, 0x40, 0],              //         mov edi, 0x400200
    &[0x31, 0xf6],                          //         xor esi, esi
    &[0x31, 0xd2],                          //         xor edx, edx
    &[0x41, 0xba, 8, 0, 0, 0],              //         mov r10d, 8
    &[0x0f, 0x05],                          //         syscall
    &[0x85, 0xc0],                          //         test eax, eax
    &[0x78, 0xe6],                          //         js again
    &[0x31, 0xc0],                          //         xor eax, eax
    &[0x89, 0xc7],                          // exit:   mov edi, eax
    &[0xf7, 0xdf],                          //         neg edi
    &[0xb8, 60, 0, 0, 0],                   //         mov eax, 60 (exit)
    &[0x0f, 0x05],                          //         syscall
];

/// The same program, instruction by instruction.
#[rustfmt::skip]
const AARCH64: &[u32] = &[
    0xd280_18c8, //         mov x8, 198 (socket)
    0xd280_0200, //         mov x0, 16 (AF_NETLINK)
    0xd280_0061, //         mov x1, 3 (SOCK_RAW)
    0xd280_0002, //         mov x2, 0 (NETLINK_ROUTE)
    0xd400_0001, //         svc 0
    0xaa00_03f3, //         mov x19, x0
    0xd2a0_0814, //         mov x20, 0x400000
    0xf280_4114, //         movk x20, 0x208
    0xb940_0282, // next:   ldr w2, [x20]
    0x3400_02e2, //         cbz w2, wait
    0xd280_19c8, //         mov x8, 206 (sendto)
    0xaa13_03e0, //         mov x0, x19
    0xaa14_03e1, //         mov x1, x20
    0xd280_0003, //         mov x3, 0
    0xd280_0004, //         mov x4, 0
    0xd280_0005, //         mov x5, 0
    0xd400_0001, //         svc 0
    0xb7f8_03e0, //         tbnz x0, 63, exit
    0xd280_19e8, //         mov x8, 207 (recvfrom)
    0xaa13_03e0, //         mov x0, x19
    0xd108_03e1, //         sub x1, sp, 512
    0xd280_4002, //         mov x2, 512
    0xd280_0003, //         mov x3, 0
    0xd280_0004, //         mov x4, 0
    0xd280_0005, //         mov x5, 0
    0xd400_0001, //         svc 0
    0xb7f8_02c0, //         tbnz x0, 63, exit
    0xb980_1020, //         ldrsw x0, [x1, 16] (the answer's errno)
    0xb500_0280, //         cbnz x0, exit
    0xb940_0282, //         ldr w2, [x20]
    0x8b02_0294, //         add x20, x20, x2
    0x17ff_ffe9, //         b next
    0xd280_10e8, // wait:   mov x8, 135 (rt_sigprocmask)
    0xd280_0000, //         mov x0, 0 (SIG_BLOCK)
    0xd2a0_0801, //         mov x1, 0x400000
    0xf280_4001, //         movk x1, 0x200
    0xd280_0002, //         mov x2, 0
    0xd280_0103, //         mov x3, 8
    0xd400_0001, //         svc 0
    0xd280_1128, // again:  mov x8, 137 (rt_sigtimedwait)
    0xd2a0_0800, //         mov x0, 0x400000
    0xf280_4000, //         movk x0, 0x200
    0xd280_0001, //         mov x1, 0
    0xd280_0002, //         mov x2, 0
    0xd280_0103, //         mov x3, 8
    0xd400_0001, //         svc 0
    0xb7ff_ff20, //         tbnz x0, 63, again
    0xd280_0000, //         mov x0, 0
    0xcb00_03e0, // exit:   neg x0, x0
    0xd280_0ba8, //         mov x8, 93 (exit)
    0xd400_0001, //         svc 0
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_ends_before_its_data_begins() {
        for architecture in [Architecture::X86_64, Architecture::Aarch64] {
            assert!(CODE + architecture.code().len() <= DATA);
            let file = executable(architecture);
            assert_eq!(header(architecture, file.len()).len(), CODE);
            assert_eq!(file[DATA..DATA + 8], SIGNALS.to_le_bytes());
        }
    }

    #[test]
    fn unknown_processors_have_no_program() {
        assert_eq!(Architecture::of_daemon("arm64"), Some(Architecture::Aarch64));
        assert_eq!(Architecture::of_daemon("riscv64"), None);
    }
}
