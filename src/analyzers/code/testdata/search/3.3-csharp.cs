using System.IO;
class A
{
    // ruleid: cs-attribute
    [HttpPost]
    public Result Save(string name, int id)
    {
        // ruleid: cs-call
        var text = File.ReadAllText(name);
        SqlCommand command = Make();
        // ruleid: cs-typed
        command.CommandText = text;
        Other other = Make();
        // ok: cs-typed
        other.CommandText = text;
        // ruleid: cs-initializer
        var c = new Cookie { Secure = false };
        // ok: cs-initializer
        var d = new Cookie { Secure = true };
        // ruleid: cs-chain
        var n = name?.Length ?? 0;
        // ruleid: cs-named
        Sign(name, check: false);
        // ok: cs-named
        Sign(name, check: true);
        // ruleid: cs-interpolated
        log.Info($"hello {name}");
        // ok: cs-interpolated
        log.Info("hello {name}", name);
        // ruleid: cs-switch
        switch (id) { case 1: return null; default: break; }
        return null;
    }
    // ok: cs-attribute
    [HttpGet]
    public Result Load(string name) { return null; }
    // ok: cs-call
    string Text(Reader File2) => File2.ReadAllText("x");
}
