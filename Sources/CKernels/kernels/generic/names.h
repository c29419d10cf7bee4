// CK_NAME(op) is the name of an operation's kernel in the ISA being compiled: ck_<op>_<isa>. Needs CK_ISA_SUFFIX.
#define CK_JOIN_(a, b) ck_##a##_##b
#define CK_JOIN(a, b) CK_JOIN_(a, b)
#undef CK_NAME
#define CK_NAME(op) CK_JOIN(op, CK_ISA_SUFFIX)
// CK_NAME(CK_OF(op, format)) is ck_<op>_<format>_<isa>.
#undef CK_OF_
#define CK_OF_(a, b) a##_##b
#undef CK_OF
#define CK_OF(a, b) CK_OF_(a, b)
