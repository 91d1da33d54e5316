/* What the standard library of Rust refers to for unwinding the stack. A program of an image ends where it panics, so
   nothing is unwound: these are there to link. */

#include <stdlib.h>

/* `_URC_END_OF_STACK` of the Itanium C++ ABI, section 1.2.1. */
int _Unwind_Backtrace(void *each_frame, void *argument) { return 5; }

void *_Unwind_FindEnclosingFunction(void *instruction) { return 0; }

#define NEVER(name) _Noreturn void name(void) { abort(); }

NEVER(_Unwind_DeleteException)
NEVER(_Unwind_GetCFA)
NEVER(_Unwind_GetDataRelBase)
NEVER(_Unwind_GetGR)
NEVER(_Unwind_GetIP)
NEVER(_Unwind_GetIPInfo)
NEVER(_Unwind_GetLanguageSpecificData)
NEVER(_Unwind_GetRegionStart)
NEVER(_Unwind_GetTextRelBase)
NEVER(_Unwind_RaiseException)
NEVER(_Unwind_Resume)
NEVER(_Unwind_SetGR)
NEVER(_Unwind_SetIP)
