using System.Linq;
using System.Threading;
using System.Threading.Tasks;

class Waiting
{
    async Task<int> Load(Client client, object gate)
    {
        // ruleid: csharp.task-blocked-on
        var a = client.GetAsync("x").Result;
        // ruleid: csharp.task-blocked-on
        client.SendAsync("x").GetAwaiter().GetResult();
        // ok: csharp.task-blocked-on
        var b = await client.GetAsync("x");
        // ok: csharp.task-blocked-on
        var c = client.Validate("x").Result;
        // ruleid: csharp.sleep-in-async
        Thread.Sleep(100);
        // ok: csharp.sleep-in-async
        await Task.Delay(100);
        return a + b + c;
    }

    void Run(Client client, object gate)
    {
        // ok: csharp.task-blocked-on
        client.SendAsync("x").GetAwaiter().GetResult();
        lock (gate)
        {
            // ruleid: csharp.sleep-with-lock
            Thread.Sleep(100);
            // ok: csharp.sleep-with-lock
            Monitor.Wait(gate, 100);
        }
        // ok: csharp.sleep-with-lock
        // ok: csharp.sleep-in-async
        Thread.Sleep(100);
    }

    bool Some(List<Order> orders, AppDbContext db)
    {
        // ruleid: csharp.rows-loaded-to-know-whether
        if (orders.Where(x => x.Open).Count() > 0) return true;
        // ruleid: csharp.rows-loaded-to-know-whether
        if (orders.Count(x => x.Open) == 0) return false;
        // ok: csharp.rows-loaded-to-know-whether
        if (orders.Where(x => x.Open).Count() > 5) return true;
        // ok: csharp.rows-loaded-to-know-whether
        if (orders.Count > 0) return true;
        // ruleid: csharp.filtered-in-memory
        var open = db.Orders.ToList().Where(x => x.Open);
        // ok: csharp.filtered-in-memory
        var late = db.Orders.Where(x => x.Late).ToList();
        // ok: csharp.filtered-in-memory
        var mine = cache.Orders.ToList().Where(x => x.Mine);
        return late.Any();
    }

    bool Same(string a, string b)
    {
        // ruleid: csharp.case-folded-comparison
        if (a.ToLower() == b.ToLower()) return true;
        // ok: csharp.case-folded-comparison
        if (a.ToLower() == "x") return true;
        // ok: csharp.case-folded-comparison
        if (db.Names.Any(x => x.Text.ToLower() == a.ToLower())) return true;
        // ok: csharp.case-folded-comparison
        return string.Equals(a, b, StringComparison.OrdinalIgnoreCase);
    }

    async Task All(List<string> names, List<string> texts)
    {
        foreach (var name in names)
        {
            // ruleid: csharp.tasks-one-after-the-other
            texts.Add(await Read(name));
            // ok: csharp.tasks-one-after-the-other
            texts.Add(name);
        }
        // ok: csharp.tasks-one-after-the-other
        texts.AddRange(await Task.WhenAll(names.Select(name => Read(name))));
    }
}
