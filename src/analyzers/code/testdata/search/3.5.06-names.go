package a

import m "crypto/md5"

func f() {
	// ruleid: go-alias
	h := m.New()
	// ok: go-alias
	g := sha.New()
}
