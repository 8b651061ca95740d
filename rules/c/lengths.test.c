#include "redisassert.h"

void checks(struct item *item, int n) {
  // ok: c.assert-with-side-effect
  assert((item = find(n)) != NULL);
}
