; Prints a text.
section .data
message: db "hello", 10

section .text
global _start

_start:
    mov rax, 1
    mov rdi, 1
    syscall
    jmp done

done:
    mov rax, 60
    syscall
