# A small PVH guest (Xen docs/misc/pvh.pandoc): says a line on its console, repeats what it reads there if it is to, and
# shuts down. Assembled with
#   REASON  the reason for its shutdown (public/sched.h); -1: it does not, and waits for nothing
#   ECHO    1: repeat what comes from the console to the end of a line
#   NOTE    0: without the note that says where a PVH guest starts

    .set HYPERVISOR_sched_op, 29
    .set HYPERVISOR_event_channel_op, 32
    .set HYPERVISOR_hvm_op, 34
    .set HVM_PARAM_CONSOLE_PFN, 17
    .set HVM_PARAM_CONSOLE_EVTCHN, 18

# Offsets in the console's page (public/io/console.h): 1024 bytes in, 2048 bytes out, and the indices.
    .set IN, 0
    .set OUT, 0x400
    .set IN_CONS, 0xc00
    .set IN_PROD, 0xc04
    .set OUT_CONS, 0xc08
    .set OUT_PROD, 0xc0c

    .if NOTE
    .section .note.Xen, "a", @note
    .align 4
    .long 4, 4, 18                      # lengths of name and description; XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long _start
    .endif

    .macro hypercall number, first, second
    mov \first, %ebx
    mov \second, %ecx
    call hypercall_page + \number * 32
    .endm

    .code32
    .text
    .globl _start
_start:
    cld
    mov $stack_end, %esp
    mov $0x40000002, %eax               # the leaf that names the register for the hypercall page
    cpuid
    mov %ebx, %ecx
    mov $hypercall_page, %eax
    xor %edx, %edx
    wrmsr

    movl $HVM_PARAM_CONSOLE_PFN, parameter + 4
    hypercall HYPERVISOR_hvm_op, $1, $parameter
    mov parameter + 8, %edi
    shl $12, %edi                       # %edi: the console's page, from here on
    movl $HVM_PARAM_CONSOLE_EVTCHN, parameter + 4
    hypercall HYPERVISOR_hvm_op, $1, $parameter
    mov parameter + 8, %eax
    mov %eax, port

    mov $greeting, %esi
1:  lodsb
    test %al, %al
    jz 2f
    call put
    jmp 1b
2:  .if ECHO
    call get
    call put
    cmp $'\n', %al
    jne 2b
    .endif

drain:                                  # wait until all is read
    mov OUT_CONS(%edi), %eax
    cmp OUT_PROD(%edi), %eax
    je end
    call yield
    jmp drain

end:
    .if REASON < 0
    hypercall HYPERVISOR_sched_op, $3, $poll
    .else
    hypercall HYPERVISOR_sched_op, $2, $reason
    .endif
    jmp end

# Writes the byte in %al to the console and tells the other side.
put:
    push %eax
    mov OUT_PROD(%edi), %edx
    and $2047, %edx
    mov %al, OUT(%edi, %edx)
    incl OUT_PROD(%edi)
    hypercall HYPERVISOR_event_channel_op, $4, $port
    pop %eax
    ret

# Reads a byte from the console into %al.
get:
    mov IN_CONS(%edi), %edx
    cmp IN_PROD(%edi), %edx
    jne 1f
    call yield
    jmp get
1:  and $1023, %edx
    mov IN(%edi, %edx), %al
    incl IN_CONS(%edi)
    ret

yield:
    push %eax
    hypercall HYPERVISOR_sched_op, $0, $0
    pop %eax
    ret

    .data
greeting:
    .asciz "guest: hello\n"
    .align 8
parameter:                              # struct xen_hvm_param: DOMID_SELF, index, value
    .short 0x7ff0, 0
    .long 0, 0, 0
poll:                                   # struct sched_poll: no ports, no timeout
    .long 0, 0, 0, 0, 0, 0
port:
    .long 0
reason:
    .long REASON

    .bss
    .align 4096
hypercall_page:
    .skip 4096
stack:
    .skip 4096
stack_end:
