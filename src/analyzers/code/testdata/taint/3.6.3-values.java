import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

class Values {
  void fields(Holder holder) {
    holder.name = read();
    // ruleid: taint.values
    execute(holder.name);
    // ok: taint.values
    execute(holder.other);
    // ok: taint.values
    execute(holder);
  }

  void keys() {
    Map<String, Object> map = new HashMap<>();
    map.put("a", "text");
    map.put("b", read());
    // ok: taint.values
    execute(map.get("a"));
    // ruleid: taint.values
    execute((String) map.get("b"));
  }

  void lists() {
    List<String> list = new ArrayList<String>();
    list.add("safe");
    list.add(read());
    list.add("more");
    list.remove(0);
    // ruleid: taint.values
    execute(list.get(0));
    // ok: taint.values
    execute(list.get(1));
  }

  void conditions() {
    String value = read();
    int number = 86;
    String out = (7 * 42) - number > 200 ? "constant" : value;
    // ok: taint.values
    execute(out);
    if ((500 / 42) + number > 200) out = value;
    else out = "constant";
    // ok: taint.values
    execute(out);
    char guess = "ABC".charAt(1);
    switch (guess) {
      case 'A':
        out = value;
        break;
      case 'B':
        out = "bob";
        break;
      default:
        out = "bobs uncle";
        break;
    }
    // ok: taint.values
    execute(out);
    switch ("ABC".charAt(0)) {
      case 'A':
        out = value;
        break;
      default:
        out = "";
    }
    // ruleid: taint.values
    execute(out);
  }

  void numbers() {
    int count = Integer.parseInt(read());
    // ok: taint.values
    execute(count);
    boolean same = read().equals("a");
    // ok: taint.values
    execute(same);
  }

  void guarded() {
    String value = read();
    if (value == "constant") {
      // ok: taint.values
      execute(value);
    }
    StringBuilder text = new StringBuilder("a");
    text.append(value);
    // ruleid: taint.values
    execute(text.toString());
  }

  void calls() {
    // ruleid: taint.values
    execute(unknown(read()));
    // ok: taint.safe-functions
    run(unknown(read()));
    // ruleid: taint.safe-functions
    run("a" + read());
  }
}
