package journal

import "testing"

func BenchmarkRecord(b *testing.B) {
	j := New(Options{Dir: b.TempDir() + "/uses"})
	defer j.Close()
	b.ReportAllocs()
	for b.Loop() {
		j.Record(sample("laptop"))
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
			j.Record(sample("laptop"))
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	e := sample("laptop")
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = e.append(dst[:0])
	}
}
