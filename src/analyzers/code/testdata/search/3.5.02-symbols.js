function a(token) {
  // ruleid: same-symbol
  return decode(token);
}
function b(token) {
  verify(token);
  // ok: same-symbol
  return decode(token);
}
