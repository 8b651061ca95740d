#nullable enable
using System;
using System.Collections.Generic;
using static System.Math;
using Alias = System.Text.StringBuilder;
[assembly: AssemblyTitle("x")]

namespace App.Store
{
    [Serializable, Route("api/[controller]", Name = "n")]
    public abstract partial class Store<T> : Base<T>, IFirst where T : class, new()
    {
        private const int Size = 3, Other = 4;
        [Key] public static readonly string? Name = null;
        public int Count { get; set; } = 2;
        public string Full => first + last;
        public int this[int i] { get { return i; } set => x = value; }
        public event EventHandler Changed;
        public Store(int x, ref string y, params int[] rest) : base(x) { this.x = x; }
        ~Store() { }
        public static Store<T> operator +(Store<T> a, Store<T> b) => a;
        public static implicit operator int(Store<T> a) { return 1; }
        [HttpGet("{id}")]
        public async Task<IActionResult> Get<U>([FromQuery] int id = 1, CancellationToken token = default)
        {
            int a = 1, b;
            var list = new List<int> { 1, 2 };
            var map = new Dictionary<string, int> { ["a"] = 1, { "b", 2 } };
            var point = new Point { X = 1, Y = 2 };
            int[] numbers = new int[3];
            var more = new[] { 1, 2 };
            Point p2 = new(1, 2);
            List<int> spread = [1, .. numbers];
            var anonymous = new { Id = id, list.Count };
            if (a > 1 && b is null) { return Ok(); }
            else if (x is string s) throw new ArgumentException($"bad {a:N2} {s}", nameof(a));
            else a++;
            for (int i = 0, j = 1; i < a; i++, --j) { continue; }
            foreach (var item in list) Console.WriteLine(item);
            await foreach (var (k, v) in Stream()) { }
            while (true) { break; }
            do { a -= 1; } while (a > 0);
            switch (a)
            {
                case 1:
                case 2 when b > 1:
                    F();
                    break;
                case int n:
                    goto case 1;
                default:
                    G();
                    break;
            }
            try { await Risky().ConfigureAwait(false); }
            catch (IOException e) when (e.Code == 1) { Log(e); }
            catch { throw; }
            finally { Done(); }
            using (var f = File.OpenRead("x")) { Read(f); }
            using var g = File.OpenRead("y");
            lock (gate) { a = 2; }
            checked { a += 1; }
            unsafe { int* q = &a; }
            fixed (byte* r = bytes) { }
            yield return a;
            yield break;
            int Local(int z) => z * 2;
            label: F();
            var q1 = from u in users where u.Age > 3 orderby u.Name select u.Name;
            Func<int, int> f1 = x => x + 1;
            Action<int> f2 = async (int x) => { await x; };
            Action f3 = delegate (int x) { F(x); };
            var t = (int)x + (a as string)?.Length ?? 0;
            var tuple = (1, name: "b");
            (int first, var second) = tuple;
            var w = a switch { 1 => "one", > 5 and < 7 => "mid", { Length: 2 } => "two", _ => "other" };
            o?.P?[0].Call(1, name: a, out var res, ref a);
            var verbatim = @"c:\x ""q""" + """raw""" + 'c' + 1.5m + true;
            x ??= typeof(Foo);
            var c = a > 1 ? b : default(int);
            var range = list[1..^2];
            var copy = rec with { A = 1 };
            base.Get(id);
            !a; -a; ~a;
            return View(id);
        }
    }
    public record Person(string First, int Age);
    public struct Pair { public int A; }
    public interface IShape : A, B { double Area(); }
    public enum Color : byte { Red = 1, Green }
    public delegate int Op(int a);
}
