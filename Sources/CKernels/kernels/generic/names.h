// CK_NAME(op) is the name of an operation's kernel in the ISA being compiled: ck_<op>_<isa>. Needs CK_ISA_SUFFIX.
#define CK_JOIN_(a, b) ck_##a##_##b
#define CK_JOIN(a, b) CK_JOIN_(a, b)
#undef CK_NAME
#define CK_NAME(op) CK_JOIN(op, CK_ISA_SUFFIX)
