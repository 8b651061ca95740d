int f(int a, int flags, const char *name) {
  if (!strcmp(name, "one")) {
    return 1;
    // ruleid: logic.repeated-condition
  } else if (!strcmp(name, "one")) {
    return 2;
  }
  // ok: the preprocessor chooses one of the two
  if (a == 1) {
    return 1;
  }
#ifdef WIDE
  else if (a == 2) {
    return 2;
  }
#else
  else if (a == 2) {
    return 3;
  }
#endif
  // ruleid: logic.precedence
  if (flags & 4 == 4) return 4;
  // ok: both are wanted
  if (a == 1 & flags == 2) return 5;
  // ok: one name stands for another on some systems
  if (a > 3) {
#ifdef WIDE
    a = 4;
#else
    a = 4;
#endif
  } else {
    a = 5;
  }
  // ok: read again each time
  if (next(a) == 1 || next(a) == 1) return 6;
  // ok: one or the other
  if (flags)
    a = 1;
  else
    a = 2;
  // ok: silences the compiler
  a = a;
  return 0;
}
