int copy(char *to, const char *from, int size) {
  int i = 0;
  if (!to) goto out;
  for (; i < size && *from; ++i) {
    to[i] = from[i];
    *to = 'a';
  }
out:
  free((void *)to);
  return i > 0 ? i : -1;
}
