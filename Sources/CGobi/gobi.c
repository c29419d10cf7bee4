#include "gobi.h"
