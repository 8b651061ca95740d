using System.Diagnostics;
class Examples
{
    void Run(string name, DbContext db)
    {
        // ruleid: csharp.sql-built-from-values
        var a = new SqlCommand("select * from users where name = '" + name + "'", connection);
        // ruleid: csharp.sql-built-from-values
        command.CommandText = $"select * from users where name = '{name}'";
        // ok: csharp.sql-built-from-values
        var b = new SqlCommand("select * from users where name = @name", connection);
        // ok: csharp.sql-built-from-values
        command.CommandText = "select * " + "from users";
        // ok: csharp.sql-built-from-values
        var c = db.Users.FromSql($"select * from users where name = {name}");

        // ruleid: csharp.shell-command-built-from-values
        Process.Start("cmd.exe", "/c dir " + name);
        // ok: csharp.shell-command-built-from-values
        Process.Start("notepad.exe", name);

        // ruleid: csharp.binary-formatter
        var d = new BinaryFormatter();
        // ok: csharp.binary-formatter
        var e = new DataContractSerializer(typeof(User));

        // ruleid: csharp.type-names-from-json
        var f = new JsonSerializerSettings { TypeNameHandling = TypeNameHandling.All };
        // ok: csharp.type-names-from-json
        var g = new JsonSerializerSettings { TypeNameHandling = TypeNameHandling.None };
        // ok: csharp.type-names-from-json
        var h = new JsonSerializerSettings { TypeNameHandling = TypeNameHandling.Auto, SerializationBinder = binder };

        // ruleid: csharp.certificate-not-checked
        handler.ServerCertificateCustomValidationCallback = (m, cert, chain, errors) => true;
        // ok: csharp.certificate-not-checked
        handler.ServerCertificateCustomValidationCallback = (m, cert, chain, errors) => errors == SslPolicyErrors.None;

        // ruleid: csharp.weak-cipher
        var des = TripleDES.Create();
        // ruleid: csharp.weak-cipher
        aes.Mode = CipherMode.ECB;
        // ok: csharp.weak-cipher
        aes.Mode = CipherMode.CBC;

        // ruleid: csharp.external-entities
        settings.XmlResolver = new XmlUrlResolver();
        // ok: csharp.external-entities
        settings.XmlResolver = null;

        // ruleid: csharp.request-as-html
        var html = Html.Raw("<b>" + Request.Query["name"] + "</b>");
        // ok: csharp.request-as-html
        var safe = Html.Encode(Request.Query["name"]);

        // ruleid: csharp.any-origin-with-credentials
        policy.SetIsOriginAllowed(origin => true).AllowAnyHeader().AllowCredentials();
        // ok: csharp.any-origin-with-credentials
        policy.WithOrigins("https://example.org").AllowCredentials();

        var parameters = new TokenValidationParameters
        {
            // ruleid: csharp.token-check-off
            ValidateLifetime = false,
            // ok: csharp.token-check-off
            ValidateActor = false,
        };
    }

    string MakeToken()
    {
        // ruleid: csharp.predictable-token
        var random = new Random();
        return random.Next().ToString();
    }

    int Roll()
    {
        // ok: csharp.predictable-token
        return new Random().Next(1, 7);
    }

    IActionResult Next()
    {
        // ruleid: csharp.request-redirects
        if (plain) return Redirect(Request.Query["next"]);
        // ok: csharp.request-redirects
        return LocalRedirect(Request.Query["next"]);
    }
}
