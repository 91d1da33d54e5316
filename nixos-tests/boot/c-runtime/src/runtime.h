/* The cases. Each gives the status that the program ends with; some end it by themselves. */
#ifndef RUNTIME_H
#define RUNTIME_H

int begin(void);
int locals(void);
int rounding(void);
int sections(void);
int end(void);
int deep(void);
int overflow(void);
int large_frame(void);
int write_constant(void);
int execute_data(void);
int absent_call(void);

#endif
