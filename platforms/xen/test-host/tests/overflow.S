# A small PV guest (Xen public/elfnote.h, public/arch-x86/xen.h) that is to be told of page faults, and has one where its
# stack is not mapped.

    .set HYPERVISOR_set_trap_table, 0
    .set PAGE_FAULT, 14
    .set FLAT_KERNEL_CS, 0xe033

    .macro note type, value:vararg
    .align 4
    .long 4, 2f - 1f, \type
    .asciz "Xen"
1:  \value
2:  .align 4
    .endm

    .section .note.Xen, "a", @note
    note 1, .quad _start                # XEN_ELFNOTE_ENTRY
    note 2, .quad hypercall_page        # XEN_ELFNOTE_HYPERCALL_PAGE
    note 3, .quad 0                     # XEN_ELFNOTE_VIRT_BASE
    note 5, .asciz "xen-3.0"            # XEN_ELFNOTE_XEN_VERSION
    note 8, .asciz "generic"            # XEN_ELFNOTE_LOADER

    .text
    .globl _start
_start:
    mov $traps, %edi
    call hypercall_page + HYPERVISOR_set_trap_table * 32
    mov $0x40000000, %esp
overflow:
    push %rax
handler:
    jmp handler

    .data
    .align 8
traps:                                  # struct trap_info: vector, flags, cs, address; a zero ends them
    .byte PAGE_FAULT, 0
    .short FLAT_KERNEL_CS
    .long 0
    .quad handler, 0, 0

    .bss
    .align 4096
hypercall_page:
    .skip 4096
