/* unicore_syscall of a native program: the arguments where Linux wants them (syscall(2)), and a trap. */
.text
.global unicore_syscall
.type unicore_syscall,@function
unicore_syscall:
	mov %rdi,%rax
	mov %rsi,%rdi
	mov %rdx,%rsi
	mov %rcx,%rdx
	mov %r8,%r10
	mov %r9,%r8
	mov 8(%rsp),%r9
	syscall
	ret
.size unicore_syscall,.-unicore_syscall

.section .note.GNU-stack,"",@progbits
