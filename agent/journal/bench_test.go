package journal

import (
	"testing"
	"time"
)

func sample() Entry {
	return Entry{
		Time: time.Now(), Request: "sign", Decision: "allowed", Key: "laptop", Fingerprint: "SHA256:qKAMVwGzlVVjDeIkFbhajNpt3ESd78qDTX8vG5sQufM",
		Comment: "laptop@kagiban", Purpose: "login", User: "you", Host: "vps1", HostKey: "SHA256:qKAMVwGzlVVjDeIkFbhajNpt3ESd78qDTX8vG5sQufM",
		Peer: Peer{PID: 4711, Exe: "/usr/bin/ssh"},
	}
}

func BenchmarkRecord(b *testing.B) {
	j := New(Options{Dir: b.TempDir() + "/uses"})
	defer j.Close()
	b.ReportAllocs()
	for b.Loop() {
		j.Record(sample())
	}
	b.SetBytes(int64(len((new(Entry)).append(nil))))
}

func BenchmarkRecordParallel(b *testing.B) {
	j := New(Options{Dir: b.TempDir() + "/uses"})
	defer j.Close()
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			j.Record(sample())
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	e := sample()
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.append(dst[:0])
	}
}
