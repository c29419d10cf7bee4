// Every generic kernel of one ISA and the function that serves them. Included inside the target region.
#include "kernels/generic/norm.h"
#include "kernels/generic/elementwise.h"
#include "kernels/generic/softmax.h"
#include "kernels/generic/topk.h"
#include "kernels/generic/rope.h"
#include "kernels/generic/kv.h"
#include "kernels/generic/attention.h"
// The list ends with what puts them into the table.
#include "kernels/generic/serve.h"
