// Closes the target region that a begin_*.h opened.
#pragma clang attribute pop
