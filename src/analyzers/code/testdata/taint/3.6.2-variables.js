function parameter(req, res) {
  // ruleid: taint.variables
  query(req.body.name);
  const { id, page = 1 } = req.query;
  // ruleid: taint.variables
  query(id);
  req = clean;
  // ok: taint.variables
  query(req);
}

function sideEffect() {
  let buffer = make();
  // ok: taint.variables
  query(buffer);
  fill(buffer);
  // ruleid: taint.variables
  query(buffer);
  check(buffer);
  // ok: taint.variables
  query(buffer);
}

function propagated(req, res) {
  const list = start();
  list.push(req.body);
  // ruleid: taint.variables
  query(list);
}

function callbacks(req, res) {
  // ruleid: taint.variables
  req.body.items.forEach((item) => query(item));
  const later = () => {
    // ruleid: taint.variables
    query(req.body);
  };
  return later;
}
