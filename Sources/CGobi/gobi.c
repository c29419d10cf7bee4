// Makes the compiler see gobi.h as C. The functions are Swift's: Sources/GobiABI.
#include "gobi.h"
