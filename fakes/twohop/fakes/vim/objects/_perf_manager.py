"""PerformanceManager: counters, intervals, and figures of machines and hosts made from nothing but their time."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from ...machines import PowerState
from ...world import Entity, Host, Vm
from .. import _faults as faults
from .._kinds import Kind
from .._registry import vim
from .._service import Call, Singleton
from ._values import data

PERFORMANCE_MANAGER = Kind("PerformanceManager")

REALTIME = 20
"""Seconds between two samples of the present."""

KEPT = 180
"""Samples of the present that a host keeps: one hour."""

_COUNTERS: tuple[tuple[int, str, str, str, str, str], ...] = (
    (1, "cpu", "usage", "percent", "none", "rate"),
    (2, "cpu", "usage", "percent", "average", "rate"),
    (3, "cpu", "usage", "percent", "minimum", "rate"),
    (4, "cpu", "usage", "percent", "maximum", "rate"),
    (6, "cpu", "usagemhz", "megaHertz", "average", "rate"),
    (12, "cpu", "ready", "millisecond", "summation", "delta"),
    (24, "mem", "usage", "percent", "average", "absolute"),
    (65, "mem", "active", "kiloBytes", "average", "absolute"),
    (90, "mem", "swapped", "kiloBytes", "average", "absolute"),
    (98, "mem", "consumed", "kiloBytes", "average", "absolute"),
    (125, "disk", "usage", "kiloBytesPerSecond", "average", "rate"),
    (143, "net", "usage", "kiloBytesPerSecond", "average", "rate"),
    (155, "sys", "uptime", "second", "latest", "absolute"),
)
"""Key, group, name, unit, rollup and statistics of the counters that a fake has of the hundreds."""

_LABELS = {
    "cpu": "CPU", "mem": "Memory", "disk": "Disk", "net": "Network", "sys": "System", "percent": "%",
    "megaHertz": "MHz", "millisecond": "ms", "kiloBytes": "KB", "kiloBytesPerSecond": "KBps", "second": "s",
    "usage": "Usage", "usagemhz": "Usage in MHz", "ready": "Ready", "active": "Active", "swapped": "Swapped",
    "consumed": "Consumed", "uptime": "Uptime",
}  # fmt: skip


def _described(key: str) -> dict[str, str]:
    return {"label": _LABELS[key], "summary": _LABELS[key], "key": key}


@cache
def _counters() -> tuple[Any, ...]:
    return tuple(
        data(
            vim.PerformanceManager.CounterInfo, key=key, groupInfo=_described(group), nameInfo=_described(name),
            unitInfo=_described(unit), rollupType=rollup, statsType=stats, level=4 if rollup != "average" else 1,
            perDeviceLevel=4 if rollup != "average" else 3,
        )
        for key, group, name, unit, rollup, stats in _COUNTERS
    )  # fmt: skip


@PERFORMANCE_MANAGER.provides("perfCounter")
def _perf_counter(call: Call, _: Singleton) -> list[Any]:
    return list(_counters())


@PERFORMANCE_MANAGER.provides("description")
def _description(call: Call, _: Singleton) -> Any:
    def keyed(*keys: str) -> list[dict[str, str]]:
        return [{"label": key, "summary": key, "key": key} for key in keys]

    rollups = keyed("average", "latest", "maximum", "minimum", "none", "summation")
    return data(vim.PerformanceDescription, counterType=rollups, statsType=keyed("absolute", "delta", "rate"))


@PERFORMANCE_MANAGER.provides("historicalInterval")
def _historical_interval(call: Call, _: Singleton) -> list[Any]:
    rows = ((1, 300, "Past day", 86_400), (2, 1800, "Past week", 604_800), (3, 7200, "Past month", 2_592_000),
            (4, 86_400, "Past year", 31_536_000))  # fmt: skip
    return [
        data(vim.HistoricalInterval, key=key, samplingPeriod=period, name=name, length=length, level=1, enabled=True)
        for key, period, name, length in rows
    ]


def _entity(call: Call, reference: Any) -> Entity:
    found = call.resolve(reference)
    if not isinstance(found, Entity):
        raise faults.invalid_argument("entity", "Figures are of entities.")
    return found


@PERFORMANCE_MANAGER.method("QueryPerfProviderSummary")
def _provider(call: Call, _: Singleton, entity: Any) -> Any:
    found = _entity(call, entity)
    current = isinstance(found, Vm | Host)
    return data(
        vim.PerformanceManager.ProviderSummary, entity=call.ref(found), currentSupported=current, summarySupported=True,
        refreshRate=REALTIME if current else None,
    )  # fmt: skip


@PERFORMANCE_MANAGER.method("QueryPerfCounter")
def _query_counter(call: Call, _: Singleton, counterId: list[int]) -> list[Any]:
    known = {counter.key: counter for counter in _counters()}
    if any(key not in known for key in counterId):
        raise faults.invalid_argument("counterId")
    return [known[key] for key in counterId]


@PERFORMANCE_MANAGER.method("QueryPerfCounterByLevel")
def _query_by_level(call: Call, _: Singleton, level: int) -> list[Any]:
    return [counter for counter in _counters() if counter.level <= level]


@PERFORMANCE_MANAGER.method("QueryAvailablePerfMetric")
def _available(
    call: Call, _: Singleton, entity: Any, beginTime: Any = None, endTime: Any = None, intervalId: int | None = None
) -> list[Any]:
    _entity(call, entity)
    return [vim.PerformanceManager.MetricId(counterId=counter.key, instance="") for counter in _counters()]


@PERFORMANCE_MANAGER.method("QueryPerf")
def _query(call: Call, _: Singleton, querySpec: list[Any]) -> list[Any]:
    found = (_figures(call, spec) for spec in querySpec)
    return [each for each in found if each is not None]


def _figures(call: Call, spec: Any) -> Any:
    entity = _entity(call, spec.entity)
    if isinstance(entity, Vm) and entity.power is not PowerState.ON:
        return None
    times = _times(call, spec)
    asked = list(spec.metricId or ()) or [
        vim.PerformanceManager.MetricId(counterId=c.key, instance="") for c in _counters()
    ]
    interval = spec.intervalId or REALTIME
    # Of a counter that is asked for with a star, the whole object's figures are told under an empty name.
    ids = [(metric.counterId, "" if metric.instance == "*" else metric.instance) for metric in asked]
    manager = vim.PerformanceManager
    if spec.format == "csv":
        return manager.EntityMetricCSV(
            entity=call.ref(entity),
            sampleInfoCSV=",".join(f"{interval},{time:%Y-%m-%dT%H:%M:%SZ}" for time in times),
            value=[
                manager.MetricSeriesCSV(
                    id=manager.MetricId(counterId=key, instance=instance),
                    value=",".join(str(value) for value in _series(key, times)),
                )
                for key, instance in ids
            ],
        )
    return manager.EntityMetric(
        entity=call.ref(entity),
        sampleInfo=[manager.SampleInfo(timestamp=time, interval=interval) for time in times],
        value=[
            manager.IntSeries(id=manager.MetricId(counterId=key, instance=instance), value=_series(key, times))
            for key, instance in ids
        ],
    )


def _times(call: Call, spec: Any) -> list[datetime]:
    interval = spec.intervalId or REALTIME
    if interval < 0:
        raise faults.invalid_argument("querySpec.interval")
    end = call.world.clock.now()
    if spec.endTime is not None:
        end = min(spec.endTime.timestamp(), end)
    count = min(spec.maxSample or KEPT, KEPT)
    last = int(end) // interval * interval
    # A client may name a moment before all calendars.
    moments = (last - interval * back for back in reversed(range(count)))
    times = [datetime.fromtimestamp(moment, UTC) for moment in moments if moment > 0]
    return [time for time in times if spec.startTime is None or time > spec.startTime]


def _series(key: int, times: list[datetime]) -> list[int]:
    return [(key * 7 + int(time.timestamp()) // REALTIME) % 100 for time in times]
