package book

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// People write into hosts.toml: comments, blank lines, an order of their own. So a change of it is an edit of its lines, and what the edited text says is
// held against what it should say before it takes the file's place.

// An item is a statement, or a line between statements, which has no key.
type item struct {
	key   string
	lines string // with their ends
}

// A block is a header such as [[host]] with the comment lines straight above it, and all that stands below it.
type block struct {
	kind  string // what stands between the brackets, "" for what stands above the first header
	head  string
	items []item
}

// A row is a host, a tie, or work owed, with what makes it the same one.
type row struct {
	id    string
	value any
}

func (d document) hostRows() (rows []row) {
	for _, h := range d.Hosts {
		rows = append(rows, row{h.Name, h})
	}
	return rows
}

func (d document) owedRows() (rows []row) {
	for _, o := range d.Owed {
		rows = append(rows, row{strings.Join([]string{o.Host, o.Work, o.Key}, "\n"), o})
	}
	return rows
}

func (d document) rows() map[string][]row {
	return map[string][]row{"host": d.hostRows(), "tie": d.tieRows(), "owed": d.owedRows()}
}

var (
	errTwice   = errors.New("two hosts have one name")
	errShape   = errors.New("it is not written as [[host]], [[tie]] and [[owed]] with a line for each value, so it cannot be changed without losing how it is written")
	errComment = errors.New("a comment stands inside of a value that has to change: put it on a line above")
)

// edited is text, which says before, so that it says after. All else of it stays byte for byte; the comments straight above a header, and those
// among its statements, go when it goes.
func edited(text string, before, after document) (string, error) {
	p := &page{eol: "\n"}
	if strings.Contains(text, "\r\n") {
		p.eol = "\r\n"
	}
	p.split(text)
	was, is := before.rows(), after.rows()
	for _, kind := range []string{"host", "tie", "owed"} {
		if err := p.change(kind, was[kind], is[kind]); err != nil {
			return "", err
		}
	}
	out := p.text()
	says, err := parse([]byte(out))
	if err != nil || !same(says, after) {
		return "", errShape
	}
	return out, nil
}

// same tells whether two documents say the same, in whatever order.
func same(x, y document) bool {
	list := func(rows []row) (all []string) {
		for _, r := range rows {
			all = append(all, strings.Join(statements(r.value), "\n"))
		}
		slices.Sort(all)
		return all
	}
	return maps.EqualFunc(x.rows(), y.rows(), func(a, b []row) bool { return slices.Equal(list(a), list(b)) })
}

// statements are the lines that say a value, as this program writes them.
func statements(value any) []string {
	text, err := toml.Marshal(value)
	if err != nil {
		panic("book: " + err.Error()) // our own structs can be written
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

type page struct {
	eol    string
	blocks []block
}

func (p *page) text() string {
	var b strings.Builder
	for _, x := range p.blocks {
		b.WriteString(x.head)
		for _, i := range x.items {
			b.WriteString(i.lines)
		}
	}
	return b.String()
}

// split takes a valid TOML text apart.
func (p *page) split(text string) {
	now := block{}
	lines := strings.SplitAfter(text, "\n")
	for at := 0; at < len(lines); at++ {
		line := strings.TrimSpace(lines[at])
		switch {
		case lines[at] == "":
		case strings.HasPrefix(line, "["):
			head := len(now.items)
			for head > 0 && strings.HasPrefix(strings.TrimSpace(now.items[head-1].lines), "#") {
				head--
			}
			next := block{kind: strings.Trim(line[:strings.LastIndex(line, "]")], "[] \t")}
			for _, i := range now.items[head:] {
				next.head += i.lines
			}
			next.head += lines[at]
			now.items = now.items[:head]
			p.blocks, now = append(p.blocks, now), next
		case line == "" || line[0] == '#':
			now.items = append(now.items, item{lines: lines[at]})
		default:
			key, _, _ := strings.Cut(line, "=")
			whole := lines[at]
			for !valid(whole) && at+1 < len(lines) { // a value of several lines
				at++
				whole += lines[at]
			}
			now.items = append(now.items, item{strings.Trim(key, " \t\"'"), whole})
		}
	}
	p.blocks = append(p.blocks, now)
}

func valid(statement string) bool {
	var any map[string]any
	return toml.Unmarshal([]byte(statement), &any) == nil
}

// change makes the blocks of a kind, which say before, say after.
func (p *page) change(kind string, before, after []row) error {
	var blocks []block
	for _, b := range p.blocks {
		if b.kind != kind {
			blocks = append(blocks, b)
			continue
		}
		if len(before) == 0 {
			return errShape
		}
		old := before[0]
		before = before[1:]
		at := slices.IndexFunc(after, func(r row) bool { return r.id == old.id })
		if at < 0 {
			blocks = append(blocks, block{items: b.rest()})
			continue
		}
		if err := p.set(&b, statements(old.value), statements(after[at].value)); err != nil {
			return err
		}
		after = slices.Delete(slices.Clone(after), at, at+1)
		blocks = append(blocks, b)
	}
	if len(before) > 0 {
		return errShape
	}
	p.blocks = blocks
	for _, r := range after {
		p.append(kind, statements(r.value))
	}
	return nil
}

// rest is what stands below a block's statements and is not about it: from the first blank line on.
func (b block) rest() []item {
	last := len(b.items)
	for last > 0 && b.items[last-1].key == "" {
		last--
	}
	rest := b.items[last:]
	blank := slices.IndexFunc(rest, func(i item) bool { return strings.TrimSpace(i.lines) == "" })
	if blank < 0 || !slices.ContainsFunc(rest[blank:], func(i item) bool { return strings.TrimSpace(i.lines) != "" }) {
		return nil
	}
	return rest[blank:]
}

// append puts a new block at the end.
func (p *page) append(kind string, lines []string) {
	if text := p.text(); text != "" && !strings.HasSuffix(text, "\n") {
		p.blocks = append(p.blocks, block{head: p.eol})
	}
	b := block{kind: kind, head: p.eol + "[[" + kind + "]]" + p.eol}
	for _, line := range lines {
		b.items = append(b.items, item{keyOf(line), line + p.eol})
	}
	p.blocks = append(p.blocks, b)
}

func keyOf(line string) string {
	key, _, _ := strings.Cut(line, " ")
	return key
}

// set changes those statements of a block that differ.
func (p *page) set(b *block, before, after []string) error {
	for _, line := range before { // those that are there no more
		if !slices.ContainsFunc(after, func(x string) bool { return keyOf(x) == keyOf(line) }) {
			if err := p.put(b, keyOf(line), ""); err != nil {
				return err
			}
		}
	}
	for _, line := range after {
		if !slices.Contains(before, line) {
			if err := p.put(b, keyOf(line), line); err != nil {
				return err
			}
		}
	}
	return nil
}

// put has line in the place of key's statement; an empty one takes it away. A comment behind it stays.
func (p *page) put(b *block, key, line string) error {
	at := slices.IndexFunc(b.items, func(i item) bool { return i.key == key })
	if at < 0 {
		if line == "" {
			return nil
		}
		last := len(b.items)
		for last > 0 && b.items[last-1].key == "" {
			last--
		}
		if last > 0 && !strings.HasSuffix(b.items[last-1].lines, "\n") {
			b.items[last-1].lines += p.eol
		}
		b.items = slices.Insert(slices.Clone(b.items), last, item{key, line + p.eol})
		return nil
	}
	comment, inside := comments(b.items[at].lines)
	if inside {
		return errComment
	}
	b.items = slices.Clone(b.items)
	switch {
	case line == "" && comment == "":
		b.items = slices.Delete(b.items, at, at+1)
	case line == "":
		b.items[at] = item{lines: comment + p.eol}
	default:
		b.items[at] = item{key, strings.TrimRight(line+" "+comment, " ") + p.eol}
	}
	return nil
}

// comments returns the comment behind a statement; inside tells of one among its lines.
func comments(statement string) (behind string, inside bool) {
	var whole map[string]any
	if toml.Unmarshal([]byte(statement), &whole) != nil {
		return "", true
	}
	for at := range statement {
		if statement[at] != '#' {
			continue
		}
		end := at + len(statement[at:])
		if n := strings.IndexByte(statement[at:], '\n'); n >= 0 {
			end = at + n
		}
		var without map[string]any
		text := []byte(statement[:at] + statement[end:])
		if toml.Unmarshal(text, &without) != nil || !reflect.DeepEqual(without, whole) {
			continue // it is part of a text
		}
		if len(bytes.TrimSpace([]byte(statement[end:]))) > 0 {
			return "", true
		}
		return strings.TrimRight(statement[at:end], " \t\r"), false
	}
	return "", false
}
