const start = 1;
export function run(req, { id, page = start }) {
  const list = [id, ...page];
  label: for (let i = 0; i < list.length; i++) {
    switch (list[i]) {
      case 1:
      case "two":
        continue label;
      default:
        break label;
    }
  }
  do {
    req.count--;
  } while (req.count > 0 && !id);
  const found = list.map((x) => x ?? page);
  return new Query(`select ${found}`, { id, "k": 2 });
}
