EXPORT_API int __attribute__((noreturn)) f(int a) {
  return a;
}
QT_BEGIN(x) class FOO_EXPORT Bar { int x; };
