class Examples
{
    // ruleid: csharp.async-void
    async void Save(string name) { await Store(name); }
    // ok: csharp.async-void
    async Task Load(string name) { await Store(name); }
    // ok: csharp.async-void
    async void Button_Click(object sender, EventArgs e) { await Store("x"); }
    // ok: csharp.async-void
    async void Tick(object? state) { await Store("x"); }
    // ok: csharp.async-void
    void Run() { }

    void Work()
    {
        try { Run(); }
        catch (IOException e)
        {
            Log(e);
            // ruleid: csharp.exception-thrown-anew
            throw;
        }
        try { Run(); }
        catch (IOException e)
        {
            Log(e);
            // ok: csharp.exception-thrown-anew
            throw;
        }
        try { Run(); }
        catch (IOException e)
        {
            // ok: csharp.exception-thrown-anew
            throw new StoreException("failed", e);
        }

        // ruleid: csharp.lock-on-shared-object
        lock (this) { Run(); }
        // ruleid: csharp.lock-on-shared-object
        lock (typeof(Examples)) { Run(); }
        // ok: csharp.lock-on-shared-object
        lock (gate) { Run(); }
    }
}
