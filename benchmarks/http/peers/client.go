// SPDX-License-Identifier: BSL-1.0
// What a user of Go writes: net/http, one goroutine a connection. Prints the CPU nanoseconds of a request.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
)

func cpu() int64 {
	var used syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return used.Utime.Nano() + used.Stime.Nano()
}

func get(client *http.Client, url string, body int) {
	answer, err := client.Get(url)
	if err != nil {
		panic(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil || len(text) != body {
		panic("a body is not whole")
	}
}

func run(client *http.Client, url string, requests, connections, body int) {
	left := int64(requests)
	var all sync.WaitGroup
	for i := 0; i < connections; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for atomic.AddInt64(&left, -1) >= 0 {
				get(client, url, body)
			}
		}()
	}
	all.Wait()
}

func main() {
	url := os.Args[1]
	requests, _ := strconv.Atoi(os.Args[2])
	connections, _ := strconv.Atoi(os.Args[3])
	body, _ := strconv.Atoi(os.Args[4])
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: connections, MaxIdleConnsPerHost: connections,
		MaxConnsPerHost: connections}}
	run(client, url, 20*connections, connections, body)
	before := cpu()
	run(client, url, requests, connections, body)
	fmt.Println((cpu() - before) / int64(requests))
}
