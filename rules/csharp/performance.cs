class Examples
{
    void Save(List<User> users, AppDb db)
    {
        foreach (var user in users)
        {
            db.Users.Add(user);
            // ruleid: csharp.save-in-loop
            db.SaveChanges();
            // ruleid: csharp.query-in-loop
            var boss = db.Users.Find(user.BossId);
            // ok: csharp.query-in-loop
            var known = cache.Users.Find(user.BossId);
            // ruleid: csharp.pattern-compiled-in-loop
            var regex = new Regex("^[a-z]+$");
        }
        // ok: csharp.save-in-loop
        db.SaveChanges();
        // ok: csharp.query-in-loop
        var first = db.Users.Find(1);
        // ok: csharp.pattern-compiled-in-loop
        var once = new Regex("^[a-z]+$");

        // ruleid: csharp.client-for-each-request
        using (var client = new HttpClient()) { client.GetAsync("x"); }
        // ok: csharp.client-for-each-request
        using (var file = File.OpenRead("x")) { Read(file); }

        string all = "";
        int sum = 0;
        foreach (var user in users)
        {
            // ruleid: csharp.text-joined-in-loop
            all += user.Name;
            // ok: csharp.text-joined-in-loop
            sum += user.Age;
            string own = "";
            // ok: csharp.text-joined-in-loop
            own += user.Name;
        }
    }
}
