// Every generic kernel of one ISA and the function that serves them. Included inside the target region.
#include "kernels/generic/norm.h"
// The list ends with what puts them into the table.
#include "kernels/generic/serve.h"
