/* In place of musl's own arch/<arch>/syscall_arch.h: a system call is a call of a function. The image defines it in Rust
   (crates/linux-abi); a native program has one that traps (native/). */
#ifndef UNICORE_SYSCALL_ARCH_H
#define UNICORE_SYSCALL_ARCH_H

/* Arguments of 64 bits take one register each. */
#define __SYSCALL_LL_E(x) (x)
#define __SYSCALL_LL_O(x) (x)

long unicore_syscall(long number, long a, long b, long c, long d, long e, long f);

static __inline long __syscall0(long n)
{
	return unicore_syscall(n, 0, 0, 0, 0, 0, 0);
}

static __inline long __syscall1(long n, long a)
{
	return unicore_syscall(n, a, 0, 0, 0, 0, 0);
}

static __inline long __syscall2(long n, long a, long b)
{
	return unicore_syscall(n, a, b, 0, 0, 0, 0);
}

static __inline long __syscall3(long n, long a, long b, long c)
{
	return unicore_syscall(n, a, b, c, 0, 0, 0);
}

static __inline long __syscall4(long n, long a, long b, long c, long d)
{
	return unicore_syscall(n, a, b, c, d, 0, 0);
}

static __inline long __syscall5(long n, long a, long b, long c, long d, long e)
{
	return unicore_syscall(n, a, b, c, d, e, 0);
}

static __inline long __syscall6(long n, long a, long b, long c, long d, long e, long f)
{
	return unicore_syscall(n, a, b, c, d, e, f);
}

/* semctl and its kin take no flag for structures of 64 bits. */
#define IPC_64 0

#endif
