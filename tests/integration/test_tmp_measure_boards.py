"""Ad hoc figures; not part of the project."""
import os, resource, time, subprocess, sys
from datetime import UTC, datetime
from pathlib import Path
from tests.command_line import CommandLine
from workers.state import WorkerState
from workers import maintenance, snapshots, verifying
from common.postgres import catalogue, tables
from common.domain.scoring import Action
from tests.inbox import accept, add_action, add_users, drain_completely

def cpu(f):
    b=resource.getrusage(resource.RUSAGE_CHILDREN); w=time.perf_counter(); r=f(); a=resource.getrusage(resource.RUSAGE_CHILDREN)
    return (a.ru_utime+a.ru_stime-b.ru_utime-b.ru_stime), time.perf_counter()-w, r

def test_apply(worker: WorkerState, command_line: CommandLine, tmp_path: Path):
    empty=tmp_path/"empty.toml"; empty.write_text("version = 1\n")
    f=tmp_path/"c.toml"
    t="version = 1\n"
    for i in range(200):
        t+=f'[[boards]]\nid = "level-{i:03}"\ntitle = "Level {i}"\ncategory = "levels"\nrule = "lowest"\nperiods = ["all", "weekly"]\nformat = {{ kind = "duration", unit = "ms" }}\n'
        t+=f'[[actions]]\nid = "level-{i:03}"\nvalue = {{ min = 1000, max = 600000 }}\nboards = ["level-{i:03}"]\n'
    f.write_text(t)
    for name, args in (("empty",("apply",str(empty))),("empty",("apply",str(empty))),("200 boards",("apply",str(f))),("200 again",("apply",str(f)))):
        c,w,r=cpu(lambda: command_line(*args))
        print(f"{name}: cpu {c:.2f} wall {w:.2f} rc {r.returncode} {r.stdout.splitlines()[-1] if r.stdout else r.stderr}")

def timed(name, worker, f):
    before=worker.redis.info("cpu"); p=time.process_time(); f(); p=time.process_time()-p; after=worker.redis.info("cpu")
    r=sum(after[k]-before[k] for k in ("used_cpu_user","used_cpu_sys"))
    print(f"{name}: worker cpu {p*1000:.1f} ms, redis cpu {r*1000:.1f} ms")

def test_cost(worker: WorkerState):
    for n in (5, 500):
        ids=[f"l{n}-{i:03}" for i in range(n)]
        with worker.engine.begin() as c:
            c.execute(tables.boards.insert(), [{"id":b} for b in ids]); catalogue.count_change(c)
        acts=[add_action(worker, Action(f"p{n}-{i}",1,5,(ids[i],))) for i in range(5)]
        worker.catalogue._read_at=0.0
        timed(f"{n}: first fill", worker, lambda: maintenance.rebuild_small_boards(worker))
        (ada,)=add_users(worker.engine,1)
        for _ in range(3):
            for a in acts: accept(worker, ada, a)
            drain_completely(worker)
            timed(f"{n}: every board asked by script", worker, lambda: worker.board.find_unserved(worker.catalogue.current().open_boards(datetime.now(UTC))))
            timed(f"{n}: sweep", worker, lambda: maintenance.rebuild_small_boards(worker))
            timed(f"{n}: snapshots", worker, lambda: snapshots.take_all(worker))
            timed(f"{n}: verify end", worker, lambda: verifying._end(worker, verifying.Round()))
