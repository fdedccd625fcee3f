# mypy: disable-error-code="type-arg"
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Mutation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MUTATION_ADD: _ClassVar[Mutation]
    MUTATION_REMOVE: _ClassVar[Mutation]
    MUTATION_SET: _ClassVar[Mutation]

class StepKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_KIND_UNSPECIFIED: _ClassVar[StepKind]
    STEP_KIND_CALLED: _ClassVar[StepKind]
    STEP_KIND_ACTIVATE: _ClassVar[StepKind]
    STEP_KIND_DEACTIVATE: _ClassVar[StepKind]
    STEP_KIND_DEACTIVATE_PASSIVE: _ClassVar[StepKind]
    STEP_KIND_REL: _ClassVar[StepKind]
    STEP_KIND_HANDLER: _ClassVar[StepKind]
    STEP_KIND_CANCEL: _ClassVar[StepKind]

class StepRelation(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STEP_RELATION_NONE: _ClassVar[StepRelation]
    STEP_RELATION_AFTER: _ClassVar[StepRelation]
    STEP_RELATION_ADD: _ClassVar[StepRelation]
    STEP_RELATION_REQUIRE: _ClassVar[StepRelation]
    STEP_RELATION_REMOVE: _ClassVar[StepRelation]
MUTATION_ADD: Mutation
MUTATION_REMOVE: Mutation
MUTATION_SET: Mutation
STEP_KIND_UNSPECIFIED: StepKind
STEP_KIND_CALLED: StepKind
STEP_KIND_ACTIVATE: StepKind
STEP_KIND_DEACTIVATE: StepKind
STEP_KIND_DEACTIVATE_PASSIVE: StepKind
STEP_KIND_REL: StepKind
STEP_KIND_HANDLER: StepKind
STEP_KIND_CANCEL: StepKind
STEP_RELATION_NONE: StepRelation
STEP_RELATION_AFTER: StepRelation
STEP_RELATION_ADD: StepRelation
STEP_RELATION_REQUIRE: StepRelation
STEP_RELATION_REMOVE: StepRelation

class PushRequest(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[ClientFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[ClientFrame, _Mapping]]] = ...) -> None: ...

class PushReply(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[HubFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[HubFrame, _Mapping]]] = ...) -> None: ...

class ClientFrame(_message.Message):
    __slots__ = ("hello", "batch", "pulse", "farewell")
    HELLO_FIELD_NUMBER: _ClassVar[int]
    BATCH_FIELD_NUMBER: _ClassVar[int]
    PULSE_FIELD_NUMBER: _ClassVar[int]
    FAREWELL_FIELD_NUMBER: _ClassVar[int]
    hello: Hello
    batch: Batch
    pulse: Pulse
    farewell: Farewell
    def __init__(self, hello: _Optional[_Union[Hello, _Mapping]] = ..., batch: _Optional[_Union[Batch, _Mapping]] = ..., pulse: _Optional[_Union[Pulse, _Mapping]] = ..., farewell: _Optional[_Union[Farewell, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("proto_min", "proto_max", "session", "next_seq", "anchor", "service", "host", "pid", "language", "library", "resource", "features", "parent_session", "buffer_bytes")
    class ResourceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    PROTO_MIN_FIELD_NUMBER: _ClassVar[int]
    PROTO_MAX_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NEXT_SEQ_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    LIBRARY_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    PARENT_SESSION_FIELD_NUMBER: _ClassVar[int]
    BUFFER_BYTES_FIELD_NUMBER: _ClassVar[int]
    proto_min: int
    proto_max: int
    session: bytes
    next_seq: int
    anchor: ClockAnchor
    service: str
    host: str
    pid: int
    language: str
    library: str
    resource: _containers.ScalarMap[str, str]
    features: _containers.RepeatedScalarFieldContainer[str]
    parent_session: bytes
    buffer_bytes: int
    def __init__(self, proto_min: _Optional[int] = ..., proto_max: _Optional[int] = ..., session: _Optional[bytes] = ..., next_seq: _Optional[int] = ..., anchor: _Optional[_Union[ClockAnchor, _Mapping]] = ..., service: _Optional[str] = ..., host: _Optional[str] = ..., pid: _Optional[int] = ..., language: _Optional[str] = ..., library: _Optional[str] = ..., resource: _Optional[_Mapping[str, str]] = ..., features: _Optional[_Iterable[str]] = ..., parent_session: _Optional[bytes] = ..., buffer_bytes: _Optional[int] = ...) -> None: ...

class ClockAnchor(_message.Message):
    __slots__ = ("wall_ns", "mono_ns")
    WALL_NS_FIELD_NUMBER: _ClassVar[int]
    MONO_NS_FIELD_NUMBER: _ClassVar[int]
    wall_ns: int
    mono_ns: int
    def __init__(self, wall_ns: _Optional[int] = ..., mono_ns: _Optional[int] = ...) -> None: ...

class Pulse(_message.Message):
    __slots__ = ("buffered_bytes", "last_seq", "anchor")
    BUFFERED_BYTES_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    buffered_bytes: int
    last_seq: int
    anchor: ClockAnchor
    def __init__(self, buffered_bytes: _Optional[int] = ..., last_seq: _Optional[int] = ..., anchor: _Optional[_Union[ClockAnchor, _Mapping]] = ...) -> None: ...

class Farewell(_message.Message):
    __slots__ = ("reason", "last_seq")
    REASON_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    reason: str
    last_seq: int
    def __init__(self, reason: _Optional[str] = ..., last_seq: _Optional[int] = ...) -> None: ...

class Batch(_message.Message):
    __slots__ = ("first_seq", "last_seq", "texts", "schemas", "opened", "patterns", "revised", "machine", "sequence", "at_ns", "duration_ns", "pattern", "queue_len", "queue_tick", "log_row", "log_level", "log_text", "log_before", "source_row", "source_machine", "source_sequence", "source_time", "source_id", "source_names", "argument_row", "argument_json", "id_row", "id_text", "problems", "gaps", "closed", "anchor", "late_machine", "late_sequence", "late_at_ns", "late_level", "late_text", "run_row", "run_name", "run_offset_ns", "run_duration_ns", "run_names", "running", "omissions", "waits")
    FIRST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    TEXTS_FIELD_NUMBER: _ClassVar[int]
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    PATTERNS_FIELD_NUMBER: _ClassVar[int]
    REVISED_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    DURATION_NS_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LEN_FIELD_NUMBER: _ClassVar[int]
    QUEUE_TICK_FIELD_NUMBER: _ClassVar[int]
    LOG_ROW_FIELD_NUMBER: _ClassVar[int]
    LOG_LEVEL_FIELD_NUMBER: _ClassVar[int]
    LOG_TEXT_FIELD_NUMBER: _ClassVar[int]
    LOG_BEFORE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ROW_FIELD_NUMBER: _ClassVar[int]
    SOURCE_MACHINE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_TIME_FIELD_NUMBER: _ClassVar[int]
    SOURCE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_NAMES_FIELD_NUMBER: _ClassVar[int]
    ARGUMENT_ROW_FIELD_NUMBER: _ClassVar[int]
    ARGUMENT_JSON_FIELD_NUMBER: _ClassVar[int]
    ID_ROW_FIELD_NUMBER: _ClassVar[int]
    ID_TEXT_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    GAPS_FIELD_NUMBER: _ClassVar[int]
    CLOSED_FIELD_NUMBER: _ClassVar[int]
    ANCHOR_FIELD_NUMBER: _ClassVar[int]
    LATE_MACHINE_FIELD_NUMBER: _ClassVar[int]
    LATE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LATE_AT_NS_FIELD_NUMBER: _ClassVar[int]
    LATE_LEVEL_FIELD_NUMBER: _ClassVar[int]
    LATE_TEXT_FIELD_NUMBER: _ClassVar[int]
    RUN_ROW_FIELD_NUMBER: _ClassVar[int]
    RUN_NAME_FIELD_NUMBER: _ClassVar[int]
    RUN_OFFSET_NS_FIELD_NUMBER: _ClassVar[int]
    RUN_DURATION_NS_FIELD_NUMBER: _ClassVar[int]
    RUN_NAMES_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    OMISSIONS_FIELD_NUMBER: _ClassVar[int]
    WAITS_FIELD_NUMBER: _ClassVar[int]
    first_seq: int
    last_seq: int
    texts: _containers.RepeatedCompositeFieldContainer[Text]
    schemas: _containers.RepeatedCompositeFieldContainer[Schema]
    opened: _containers.RepeatedCompositeFieldContainer[MachineOpened]
    patterns: _containers.RepeatedCompositeFieldContainer[Pattern]
    revised: _containers.RepeatedCompositeFieldContainer[SchemaRevised]
    machine: _containers.RepeatedScalarFieldContainer[int]
    sequence: _containers.RepeatedScalarFieldContainer[int]
    at_ns: _containers.RepeatedScalarFieldContainer[int]
    duration_ns: _containers.RepeatedScalarFieldContainer[int]
    pattern: _containers.RepeatedScalarFieldContainer[int]
    queue_len: _containers.RepeatedScalarFieldContainer[int]
    queue_tick: _containers.RepeatedScalarFieldContainer[int]
    log_row: _containers.RepeatedScalarFieldContainer[int]
    log_level: _containers.RepeatedScalarFieldContainer[int]
    log_text: _containers.RepeatedScalarFieldContainer[int]
    log_before: _containers.RepeatedScalarFieldContainer[bool]
    source_row: _containers.RepeatedScalarFieldContainer[int]
    source_machine: _containers.RepeatedScalarFieldContainer[int]
    source_sequence: _containers.RepeatedScalarFieldContainer[int]
    source_time: _containers.RepeatedScalarFieldContainer[int]
    source_id: _containers.RepeatedScalarFieldContainer[str]
    source_names: _containers.RepeatedScalarFieldContainer[str]
    argument_row: _containers.RepeatedScalarFieldContainer[int]
    argument_json: _containers.RepeatedScalarFieldContainer[str]
    id_row: _containers.RepeatedScalarFieldContainer[int]
    id_text: _containers.RepeatedScalarFieldContainer[str]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    gaps: _containers.RepeatedCompositeFieldContainer[Gap]
    closed: _containers.RepeatedCompositeFieldContainer[MachineClosed]
    anchor: ClockAnchor
    late_machine: _containers.RepeatedScalarFieldContainer[int]
    late_sequence: _containers.RepeatedScalarFieldContainer[int]
    late_at_ns: _containers.RepeatedScalarFieldContainer[int]
    late_level: _containers.RepeatedScalarFieldContainer[int]
    late_text: _containers.RepeatedScalarFieldContainer[int]
    run_row: _containers.RepeatedScalarFieldContainer[int]
    run_name: _containers.RepeatedScalarFieldContainer[int]
    run_offset_ns: _containers.RepeatedScalarFieldContainer[int]
    run_duration_ns: _containers.RepeatedScalarFieldContainer[int]
    run_names: _containers.RepeatedScalarFieldContainer[str]
    running: _containers.RepeatedCompositeFieldContainer[Running]
    omissions: _containers.RepeatedCompositeFieldContainer[Omission]
    waits: Waits
    def __init__(self, first_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., texts: _Optional[_Iterable[_Union[Text, _Mapping]]] = ..., schemas: _Optional[_Iterable[_Union[Schema, _Mapping]]] = ..., opened: _Optional[_Iterable[_Union[MachineOpened, _Mapping]]] = ..., patterns: _Optional[_Iterable[_Union[Pattern, _Mapping]]] = ..., revised: _Optional[_Iterable[_Union[SchemaRevised, _Mapping]]] = ..., machine: _Optional[_Iterable[int]] = ..., sequence: _Optional[_Iterable[int]] = ..., at_ns: _Optional[_Iterable[int]] = ..., duration_ns: _Optional[_Iterable[int]] = ..., pattern: _Optional[_Iterable[int]] = ..., queue_len: _Optional[_Iterable[int]] = ..., queue_tick: _Optional[_Iterable[int]] = ..., log_row: _Optional[_Iterable[int]] = ..., log_level: _Optional[_Iterable[int]] = ..., log_text: _Optional[_Iterable[int]] = ..., log_before: _Optional[_Iterable[bool]] = ..., source_row: _Optional[_Iterable[int]] = ..., source_machine: _Optional[_Iterable[int]] = ..., source_sequence: _Optional[_Iterable[int]] = ..., source_time: _Optional[_Iterable[int]] = ..., source_id: _Optional[_Iterable[str]] = ..., source_names: _Optional[_Iterable[str]] = ..., argument_row: _Optional[_Iterable[int]] = ..., argument_json: _Optional[_Iterable[str]] = ..., id_row: _Optional[_Iterable[int]] = ..., id_text: _Optional[_Iterable[str]] = ..., problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., gaps: _Optional[_Iterable[_Union[Gap, _Mapping]]] = ..., closed: _Optional[_Iterable[_Union[MachineClosed, _Mapping]]] = ..., anchor: _Optional[_Union[ClockAnchor, _Mapping]] = ..., late_machine: _Optional[_Iterable[int]] = ..., late_sequence: _Optional[_Iterable[int]] = ..., late_at_ns: _Optional[_Iterable[int]] = ..., late_level: _Optional[_Iterable[int]] = ..., late_text: _Optional[_Iterable[int]] = ..., run_row: _Optional[_Iterable[int]] = ..., run_name: _Optional[_Iterable[int]] = ..., run_offset_ns: _Optional[_Iterable[int]] = ..., run_duration_ns: _Optional[_Iterable[int]] = ..., run_names: _Optional[_Iterable[str]] = ..., running: _Optional[_Iterable[_Union[Running, _Mapping]]] = ..., omissions: _Optional[_Iterable[_Union[Omission, _Mapping]]] = ..., waits: _Optional[_Union[Waits, _Mapping]] = ...) -> None: ...

class Waits(_message.Message):
    __slots__ = ("subjects", "origins", "reasons", "machine", "ident", "subject", "sequence", "at_ns", "origin", "ended_machine", "ended_ident", "ended_sequence", "ended_at_ns", "ended_reason", "standing")
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    ORIGINS_FIELD_NUMBER: _ClassVar[int]
    REASONS_FIELD_NUMBER: _ClassVar[int]
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    IDENT_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    ENDED_MACHINE_FIELD_NUMBER: _ClassVar[int]
    ENDED_IDENT_FIELD_NUMBER: _ClassVar[int]
    ENDED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_NS_FIELD_NUMBER: _ClassVar[int]
    ENDED_REASON_FIELD_NUMBER: _ClassVar[int]
    STANDING_FIELD_NUMBER: _ClassVar[int]
    subjects: _containers.RepeatedCompositeFieldContainer[WaitSubject]
    origins: _containers.RepeatedCompositeFieldContainer[WaitOrigin]
    reasons: _containers.RepeatedScalarFieldContainer[str]
    machine: _containers.RepeatedScalarFieldContainer[int]
    ident: _containers.RepeatedScalarFieldContainer[int]
    subject: _containers.RepeatedScalarFieldContainer[int]
    sequence: _containers.RepeatedScalarFieldContainer[int]
    at_ns: _containers.RepeatedScalarFieldContainer[int]
    origin: _containers.RepeatedScalarFieldContainer[int]
    ended_machine: _containers.RepeatedScalarFieldContainer[int]
    ended_ident: _containers.RepeatedScalarFieldContainer[int]
    ended_sequence: _containers.RepeatedScalarFieldContainer[int]
    ended_at_ns: _containers.RepeatedScalarFieldContainer[int]
    ended_reason: _containers.RepeatedScalarFieldContainer[int]
    standing: _containers.RepeatedCompositeFieldContainer[WaitsStanding]
    def __init__(self, subjects: _Optional[_Iterable[_Union[WaitSubject, _Mapping]]] = ..., origins: _Optional[_Iterable[_Union[WaitOrigin, _Mapping]]] = ..., reasons: _Optional[_Iterable[str]] = ..., machine: _Optional[_Iterable[int]] = ..., ident: _Optional[_Iterable[int]] = ..., subject: _Optional[_Iterable[int]] = ..., sequence: _Optional[_Iterable[int]] = ..., at_ns: _Optional[_Iterable[int]] = ..., origin: _Optional[_Iterable[int]] = ..., ended_machine: _Optional[_Iterable[int]] = ..., ended_ident: _Optional[_Iterable[int]] = ..., ended_sequence: _Optional[_Iterable[int]] = ..., ended_at_ns: _Optional[_Iterable[int]] = ..., ended_reason: _Optional[_Iterable[int]] = ..., standing: _Optional[_Iterable[_Union[WaitsStanding, _Mapping]]] = ...) -> None: ...

class WaitSubject(_message.Message):
    __slots__ = ("kind", "states", "ticks", "text", "peer", "peer_state", "mutation")
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    TICKS_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    PEER_FIELD_NUMBER: _ClassVar[int]
    PEER_STATE_FIELD_NUMBER: _ClassVar[int]
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    states: _containers.RepeatedScalarFieldContainer[str]
    ticks: _containers.RepeatedScalarFieldContainer[int]
    text: str
    peer: str
    peer_state: str
    mutation: str
    def __init__(self, kind: _Optional[str] = ..., states: _Optional[_Iterable[str]] = ..., ticks: _Optional[_Iterable[int]] = ..., text: _Optional[str] = ..., peer: _Optional[str] = ..., peer_state: _Optional[str] = ..., mutation: _Optional[str] = ...) -> None: ...

class WaitOrigin(_message.Message):
    __slots__ = ("machine", "sequence", "handler")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    machine: str
    sequence: int
    handler: str
    def __init__(self, machine: _Optional[str] = ..., sequence: _Optional[int] = ..., handler: _Optional[str] = ...) -> None: ...

class WaitsStanding(_message.Message):
    __slots__ = ("machine", "sequence", "at_ns", "idents")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    IDENTS_FIELD_NUMBER: _ClassVar[int]
    machine: int
    sequence: int
    at_ns: int
    idents: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, machine: _Optional[int] = ..., sequence: _Optional[int] = ..., at_ns: _Optional[int] = ..., idents: _Optional[_Iterable[int]] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("handle", "text")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    handle: int
    text: str
    def __init__(self, handle: _Optional[int] = ..., text: _Optional[str] = ...) -> None: ...

class Schema(_message.Message):
    __slots__ = ("handle", "states", "groups")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    handle: int
    states: _containers.RepeatedCompositeFieldContainer[State]
    groups: _containers.RepeatedCompositeFieldContainer[Group]
    def __init__(self, handle: _Optional[int] = ..., states: _Optional[_Iterable[_Union[State, _Mapping]]] = ..., groups: _Optional[_Iterable[_Union[Group, _Mapping]]] = ...) -> None: ...

class Group(_message.Message):
    __slots__ = ("name", "members")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    name: str
    members: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, name: _Optional[str] = ..., members: _Optional[_Iterable[int]] = ...) -> None: ...

class State(_message.Message):
    __slots__ = ("name", "auto", "multi", "require", "add", "remove", "after", "tags")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AUTO_FIELD_NUMBER: _ClassVar[int]
    MULTI_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_FIELD_NUMBER: _ClassVar[int]
    ADD_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    auto: bool
    multi: bool
    require: _containers.RepeatedScalarFieldContainer[str]
    add: _containers.RepeatedScalarFieldContainer[str]
    remove: _containers.RepeatedScalarFieldContainer[str]
    after: _containers.RepeatedScalarFieldContainer[str]
    tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., auto: bool = ..., multi: bool = ..., require: _Optional[_Iterable[str]] = ..., add: _Optional[_Iterable[str]] = ..., remove: _Optional[_Iterable[str]] = ..., after: _Optional[_Iterable[str]] = ..., tags: _Optional[_Iterable[str]] = ...) -> None: ...

class MachineOpened(_message.Message):
    __slots__ = ("machine", "schema", "at_ns", "id", "parent", "tags", "clock", "sequence", "id_prefix")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    PARENT_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ID_PREFIX_FIELD_NUMBER: _ClassVar[int]
    machine: int
    schema: int
    at_ns: int
    id: str
    parent: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    clock: _containers.RepeatedScalarFieldContainer[int]
    sequence: int
    id_prefix: str
    def __init__(self, machine: _Optional[int] = ..., schema: _Optional[int] = ..., at_ns: _Optional[int] = ..., id: _Optional[str] = ..., parent: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., clock: _Optional[_Iterable[int]] = ..., sequence: _Optional[int] = ..., id_prefix: _Optional[str] = ...) -> None: ...

class SchemaRevised(_message.Message):
    __slots__ = ("machine", "schema")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    machine: int
    schema: int
    def __init__(self, machine: _Optional[int] = ..., schema: _Optional[int] = ...) -> None: ...

class Pattern(_message.Message):
    __slots__ = ("handle", "schema", "mutation", "called", "flags", "delta_state", "delta_ticks", "added", "removed", "handlers", "canceled_by", "step_kind", "step_relation", "step_source", "step_target", "step_bits")
    HANDLE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    FLAGS_FIELD_NUMBER: _ClassVar[int]
    DELTA_STATE_FIELD_NUMBER: _ClassVar[int]
    DELTA_TICKS_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    HANDLERS_FIELD_NUMBER: _ClassVar[int]
    CANCELED_BY_FIELD_NUMBER: _ClassVar[int]
    STEP_KIND_FIELD_NUMBER: _ClassVar[int]
    STEP_RELATION_FIELD_NUMBER: _ClassVar[int]
    STEP_SOURCE_FIELD_NUMBER: _ClassVar[int]
    STEP_TARGET_FIELD_NUMBER: _ClassVar[int]
    STEP_BITS_FIELD_NUMBER: _ClassVar[int]
    handle: int
    schema: int
    mutation: Mutation
    called: _containers.RepeatedScalarFieldContainer[int]
    flags: int
    delta_state: _containers.RepeatedScalarFieldContainer[int]
    delta_ticks: _containers.RepeatedScalarFieldContainer[int]
    added: _containers.RepeatedScalarFieldContainer[int]
    removed: _containers.RepeatedScalarFieldContainer[int]
    handlers: _containers.RepeatedScalarFieldContainer[str]
    canceled_by: str
    step_kind: _containers.RepeatedScalarFieldContainer[int]
    step_relation: _containers.RepeatedScalarFieldContainer[int]
    step_source: _containers.RepeatedScalarFieldContainer[int]
    step_target: _containers.RepeatedScalarFieldContainer[int]
    step_bits: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, handle: _Optional[int] = ..., schema: _Optional[int] = ..., mutation: _Optional[_Union[Mutation, str]] = ..., called: _Optional[_Iterable[int]] = ..., flags: _Optional[int] = ..., delta_state: _Optional[_Iterable[int]] = ..., delta_ticks: _Optional[_Iterable[int]] = ..., added: _Optional[_Iterable[int]] = ..., removed: _Optional[_Iterable[int]] = ..., handlers: _Optional[_Iterable[str]] = ..., canceled_by: _Optional[str] = ..., step_kind: _Optional[_Iterable[int]] = ..., step_relation: _Optional[_Iterable[int]] = ..., step_source: _Optional[_Iterable[int]] = ..., step_target: _Optional[_Iterable[int]] = ..., step_bits: _Optional[_Iterable[int]] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("row", "type", "message", "traceback")
    ROW_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    row: int
    type: str
    message: str
    traceback: str
    def __init__(self, row: _Optional[int] = ..., type: _Optional[str] = ..., message: _Optional[str] = ..., traceback: _Optional[str] = ...) -> None: ...

class Gap(_message.Message):
    __slots__ = ("machine", "after_sequence", "lost", "reason", "clock")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CLOCK_FIELD_NUMBER: _ClassVar[int]
    machine: int
    after_sequence: int
    lost: int
    reason: str
    clock: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, machine: _Optional[int] = ..., after_sequence: _Optional[int] = ..., lost: _Optional[int] = ..., reason: _Optional[str] = ..., clock: _Optional[_Iterable[int]] = ...) -> None: ...

class Running(_message.Message):
    __slots__ = ("machine", "sequence", "at_ns", "noted_ns", "mutation", "called", "auto", "handler", "timed_out")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    NOTED_NS_FIELD_NUMBER: _ClassVar[int]
    MUTATION_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    AUTO_FIELD_NUMBER: _ClassVar[int]
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    TIMED_OUT_FIELD_NUMBER: _ClassVar[int]
    machine: int
    sequence: int
    at_ns: int
    noted_ns: int
    mutation: Mutation
    called: _containers.RepeatedScalarFieldContainer[int]
    auto: bool
    handler: str
    timed_out: bool
    def __init__(self, machine: _Optional[int] = ..., sequence: _Optional[int] = ..., at_ns: _Optional[int] = ..., noted_ns: _Optional[int] = ..., mutation: _Optional[_Union[Mutation, str]] = ..., called: _Optional[_Iterable[int]] = ..., auto: bool = ..., handler: _Optional[str] = ..., timed_out: bool = ...) -> None: ...

class Omission(_message.Message):
    __slots__ = ("machine", "first_sequence", "last_sequence", "what", "count", "reason")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    machine: int
    first_sequence: int
    last_sequence: int
    what: str
    count: int
    reason: str
    def __init__(self, machine: _Optional[int] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., what: _Optional[str] = ..., count: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class MachineClosed(_message.Message):
    __slots__ = ("machine", "at_ns", "reason")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    AT_NS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    machine: int
    at_ns: int
    reason: str
    def __init__(self, machine: _Optional[int] = ..., at_ns: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class HubFrame(_message.Message):
    __slots__ = ("welcome", "ack", "credit", "throttle", "detail", "notice", "go_away")
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ACK_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    THROTTLE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    NOTICE_FIELD_NUMBER: _ClassVar[int]
    GO_AWAY_FIELD_NUMBER: _ClassVar[int]
    welcome: Welcome
    ack: Ack
    credit: Credit
    throttle: Throttle
    detail: Detail
    notice: Notice
    go_away: GoAway
    def __init__(self, welcome: _Optional[_Union[Welcome, _Mapping]] = ..., ack: _Optional[_Union[Ack, _Mapping]] = ..., credit: _Optional[_Union[Credit, _Mapping]] = ..., throttle: _Optional[_Union[Throttle, _Mapping]] = ..., detail: _Optional[_Union[Detail, _Mapping]] = ..., notice: _Optional[_Union[Notice, _Mapping]] = ..., go_away: _Optional[_Union[GoAway, _Mapping]] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("proto", "have_seq", "limits", "hub", "hub_wall_ns", "credit")
    PROTO_FIELD_NUMBER: _ClassVar[int]
    HAVE_SEQ_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    HUB_FIELD_NUMBER: _ClassVar[int]
    HUB_WALL_NS_FIELD_NUMBER: _ClassVar[int]
    CREDIT_FIELD_NUMBER: _ClassVar[int]
    proto: int
    have_seq: int
    limits: Limits
    hub: str
    hub_wall_ns: int
    credit: int
    def __init__(self, proto: _Optional[int] = ..., have_seq: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., hub: _Optional[str] = ..., hub_wall_ns: _Optional[int] = ..., credit: _Optional[int] = ...) -> None: ...

class Limits(_message.Message):
    __slots__ = ("max_batch_bytes", "max_batch_rows", "max_unacked_batches")
    MAX_BATCH_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_UNACKED_BATCHES_FIELD_NUMBER: _ClassVar[int]
    max_batch_bytes: int
    max_batch_rows: int
    max_unacked_batches: int
    def __init__(self, max_batch_bytes: _Optional[int] = ..., max_batch_rows: _Optional[int] = ..., max_unacked_batches: _Optional[int] = ...) -> None: ...

class Ack(_message.Message):
    __slots__ = ("upto_seq",)
    UPTO_SEQ_FIELD_NUMBER: _ClassVar[int]
    upto_seq: int
    def __init__(self, upto_seq: _Optional[int] = ...) -> None: ...

class Credit(_message.Message):
    __slots__ = ("bytes",)
    BYTES_FIELD_NUMBER: _ClassVar[int]
    bytes: int
    def __init__(self, bytes: _Optional[int] = ...) -> None: ...

class Throttle(_message.Message):
    __slots__ = ("pause_ms", "reason")
    PAUSE_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    pause_ms: int
    reason: str
    def __init__(self, pause_ms: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class Detail(_message.Message):
    __slots__ = ("machine", "level", "ttl_seconds")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TTL_SECONDS_FIELD_NUMBER: _ClassVar[int]
    machine: int
    level: int
    ttl_seconds: int
    def __init__(self, machine: _Optional[int] = ..., level: _Optional[int] = ..., ttl_seconds: _Optional[int] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("code", "text")
    CODE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    code: str
    text: str
    def __init__(self, code: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class GoAway(_message.Message):
    __slots__ = ("reason", "reconnect_after_ms", "final")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RECONNECT_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    reason: str
    reconnect_after_ms: int
    final: bool
    def __init__(self, reason: _Optional[str] = ..., reconnect_after_ms: _Optional[int] = ..., final: bool = ...) -> None: ...

class DetailRequest(_message.Message):
    __slots__ = ("machine", "level", "seconds")
    MACHINE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    machine: str
    level: int
    seconds: int
    def __init__(self, machine: _Optional[str] = ..., level: _Optional[int] = ..., seconds: _Optional[int] = ...) -> None: ...

class DetailReply(_message.Message):
    __slots__ = ("programs", "near")
    PROGRAMS_FIELD_NUMBER: _ClassVar[int]
    NEAR_FIELD_NUMBER: _ClassVar[int]
    programs: int
    near: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, programs: _Optional[int] = ..., near: _Optional[_Iterable[str]] = ...) -> None: ...
