use super::*;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Wake;

/// No test waits longer; one that does has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells that it runs, and then waits until it is let go.
struct Held {
    begun: Sender<thread::ThreadId>,
    release: Receiver<()>,
    runs: usize,
}

impl Work for Held {
    fn run(&mut self) {
        self.begun.send(thread::current().id()).unwrap();
        // A test that is over lets go too.
        let _ = self.release.recv();
        self.runs += 1;
    }
}

struct Bench {
    workers: Workers,
    begun: (Sender<thread::ThreadId>, Receiver<thread::ThreadId>),
    woken: Receiver<()>,
    waker: Waker,
}

struct Bell(Mutex<Sender<()>>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        let _ = lock(&self.0).send(());
    }
}

impl Bench {
    fn new() -> Bench {
        let (bell, woken) = channel();
        let waker = Waker::from(Arc::new(Bell(Mutex::new(bell))));
        Bench { workers: Workers::new(), begun: channel(), woken, waker }
    }

    fn held(&self) -> (Arc<Task<Held>>, Sender<()>) {
        let (sender, release) = channel();
        (Task::new(Held { begun: self.begun.0.clone(), release, runs: 0 }), sender)
    }

    fn next_begun(&self) -> thread::ThreadId {
        self.begun.1.recv_timeout(PATIENCE).expect("a task is begun")
    }

    /// Waits as a scrape does until none of `tasks` is under way.
    fn wait_for(&self, tasks: &[&Arc<Task<Held>>]) {
        let started = Instant::now();
        let is_waiting = || tasks.iter().any(|task| task.is_under_way());
        while let Some(until) = {
            let now = Instant::now();
            self.workers.poll(&self.waker, now, || is_waiting().then_some(now + PATIENCE))
        } {
            assert!(started.elapsed() < PATIENCE);
            let _ = self.woken.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }

    fn threads(&self) -> usize {
        lock(&self.workers.shared.state).threads
    }

    fn wait_until_idle(&self) {
        let started = Instant::now();
        let is_idle = |state: &State| state.queue.is_empty() && state.free.is_some();
        while !is_idle(&lock(&self.workers.shared.state)) {
            assert!(started.elapsed() < PATIENCE, "a helper has nothing to do");
            thread::yield_now();
        }
    }
}

#[test]
fn one_helper_does_what_is_quick() {
    let bench = Bench::new();
    let mut helpers = Vec::new();
    for runs in 1..=3 {
        let (task, release) = bench.held();
        let (other, release_other) = bench.held();
        bench.workers.begin(&task);
        bench.workers.begin(&task);
        bench.workers.begin(&other);
        assert!(task.done().is_none());
        bench.workers.start(Instant::now()).unwrap();
        release.send(()).unwrap();
        release_other.send(()).unwrap();
        bench.wait_for(&[&task, &other]);
        assert_eq!((task.done().unwrap().runs, other.done().unwrap().runs), (1, 1), "{runs}");
        helpers.extend([bench.next_begun(), bench.next_begun()]);
    }
    assert!(helpers.iter().all(|helper| *helper == helpers[0]), "{helpers:?}");
    assert_eq!(bench.threads(), 1);
}

#[test]
fn what_waits_behind_a_stuck_task_gets_another_helper() {
    let bench = Bench::new();
    let (stuck, release_stuck) = bench.held();
    let (quick, release_quick) = bench.held();
    bench.workers.begin(&stuck);
    bench.workers.begin(&quick);
    bench.workers.start(Instant::now()).unwrap();
    release_quick.send(()).unwrap();
    bench.wait_for(&[&quick]);
    assert!(stuck.is_under_way());
    assert_ne!(bench.next_begun(), bench.next_begun());
    assert_eq!(bench.threads(), 2);

    bench.workers.begin(&stuck);
    release_stuck.send(()).unwrap();
    bench.wait_for(&[&stuck]);
    assert_eq!(stuck.done().unwrap().runs, 1, "it was under way when it was begun again");
    let started = Instant::now();
    while bench.threads() > 1 {
        assert!(started.elapsed() < PATIENCE, "a helper too many ends when it comes free");
        thread::yield_now();
    }
}

#[test]
fn who_offers_a_task_does_it_where_no_helper_is_free() {
    let bench = Bench::new();
    let here = thread::current().id();
    let (first, release_first) = bench.held();
    let (last, release_last) = bench.held();
    release_first.send(()).unwrap();
    release_last.send(()).unwrap();
    bench.workers.offer(&first);
    bench.workers.offer(&last);
    bench.workers.start(Instant::now()).unwrap();
    bench.workers.share();
    assert_eq!([bench.next_begun(), bench.next_begun()], [here, here]);
    assert_eq!((first.done().unwrap().runs, last.done().unwrap().runs), (1, 1));
    assert_eq!(bench.threads(), 0, "no thread is made for offers");

    let (held, release_held) = bench.held();
    bench.workers.begin(&held);
    bench.workers.offer(&first);
    bench.workers.start(Instant::now()).unwrap();
    assert_ne!(bench.next_begun(), here);
    release_first.send(()).unwrap();
    bench.workers.share();
    assert_eq!(bench.next_begun(), here);
    release_held.send(()).unwrap();
    bench.wait_for(&[&held, &first]);
}

#[test]
fn a_helper_that_is_free_takes_what_is_offered() {
    let bench = Bench::new();
    let (task, release) = bench.held();
    release.send(()).unwrap();
    bench.workers.begin(&task);
    bench.workers.start(Instant::now()).unwrap();
    let helper = bench.next_begun();
    bench.wait_until_idle();
    bench.workers.offer(&task);
    bench.workers.start(Instant::now()).unwrap();
    assert_eq!(bench.next_begun(), helper);
    bench.workers.share();
    assert!(task.is_under_way());
    release.send(()).unwrap();
    bench.wait_for(&[&task]);
    assert_eq!(task.done().unwrap().runs, 2);
}

/// Says where it runs, which is this CPU only if there is one.
struct Placed {
    only: Option<usize>,
    ran_on: Option<usize>,
}

impl Work for Placed {
    fn run(&mut self) {
        if let Some(cpu) = self.only.take() {
            let others = (0..CpuSet::CPUS).filter(|other| *other != cpu);
            let all = CpuSet::of_current_thread().unwrap();
            let cpus = others.fold(all, |cpus, other| cpus.without(other).unwrap());
            cpus.confine(ThreadId::current()).unwrap();
        }
        self.ran_on = current_cpu();
    }
}

#[test]
fn a_helper_that_waits_is_sent_to_other_cpus() {
    let bench = Bench::new();
    let all = CpuSet::of_current_thread().unwrap();
    let cpu = current_cpu().unwrap();
    let Some(others) = all.without(cpu) else { return };
    if all.confine(ThreadId::current()).is_err() {
        // Not in some containers.
        return;
    }
    let task = Task::new(Placed { only: Some(cpu), ran_on: None });
    let run = || {
        bench.workers.begin(&task);
        bench.workers.start(Instant::now()).unwrap();
        bench.wait_until_idle();
        task.done().unwrap().ran_on
    };
    assert_eq!(run(), Some(cpu));
    let state = lock(&bench.workers.shared.state);
    assert_eq!(state.free.unwrap().cpu, Some(cpu));
    state.send_to(others).unwrap();
    drop(state);
    assert_ne!(run(), Some(cpu));
}

#[test]
fn the_end_waits_for_nobody() {
    let bench = Bench::new();
    let (stuck, release) = bench.held();
    bench.workers.begin(&stuck);
    bench.workers.start(Instant::now()).unwrap();
    bench.next_begun();
    let shared = Arc::downgrade(&bench.workers.shared);
    drop(bench);
    assert!(stuck.is_under_way());
    drop(release);
    let started = Instant::now();
    while shared.strong_count() > 0 {
        assert!(started.elapsed() < PATIENCE, "a helper that comes free ends");
        thread::yield_now();
    }
}
