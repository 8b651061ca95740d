package p

// ruleid: below-an-import
import "example.test/go-box/open"

func f(w *Writer) {
	p := &Proxy{
		// ruleid: keyed-element
		Director: g,
	}
	q := Other{
		// ok: keyed-element
		Director: g,
	}
	// ruleid: dereferenced
	(*w).Write(p)
	// ok: dereferenced
	w.Write(q)
}
