# Makefile - make, make demo, make check, make fuzz, make bench, make bench-reports, make soak, make test-ha, make install.
# A new plugin or test needs no edit here. V=1 shows whole commands.
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
DESTDIR ?=
CC = gcc
BUILD = build$(if $(SAN),/san)
MAKEFLAGS += --no-builtin-rules
.DELETE_ON_ERROR:
.SECONDARY:
# One short line for each command, unless V is set.
quiet = $(if $(V),,@printf '%-8s%s\n' '$(1)' '$(2)';)

WARN = -Wall -Wextra -Wpedantic -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
CFLAGS ?= -O2 -g
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -Iinclude -pthread
ALL_LDFLAGS = $(LDFLAGS) -pthread
ifdef SAN
ALL_CFLAGS += -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
ALL_LDFLAGS += -fsanitize=address,undefined
endif
HOST_LIBS = inih yajl libsodium
host_cflags = $(shell pkg-config --cflags $(HOST_LIBS))
host_folders = -DSCRIP_PLUGIN_FOLDER='"$(LIBDIR)/scrip"' -DSCRIP_PROFILE_FOLDER='"$(PREFIX)/share/scrip/profiles"'
host_libs = $(shell pkg-config --libs $(HOST_LIBS)) -lgmp -ldl

LIB_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard core/*.c))
CLI_OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(wildcard core/cli/*.c))

# A plugin names what it needs beside libc in comments, one for each library: "scrip-needs: PKG-CONFIG-NAME DEBIAN-PACKAGE".
needs = $(shell sed -n 's/.*scrip-needs: *\([^ *]*\) *\([^ *]*\).*/\1:\2/p' $(1))
libraries = $(foreach n,$(call needs,$(1)),$(firstword $(subst :, ,$(n))))
PLUGIN_SOURCES = $(wildcard plugins/*/*.c)
lacking = $(strip $(foreach n,$(call needs,$(1)),$(if $(shell pkg-config --exists $(firstword $(subst :, ,$(n))) && echo yes),,$(n))))
PLUGINS_BUILT = $(foreach f,$(PLUGIN_SOURCES),$(if $(call lacking,$(f)),,$(f)))
left_out = $(1): left out:$(foreach n,$(call lacking,$(1)), no $(firstword $(subst :, ,$(n))): install $(lastword $(subst :, ,$(n))))
PLUGINS = $(patsubst plugins/%.c,$(BUILD)/plugins/%.so,$(PLUGINS_BUILT))

PROFILES = $(patsubst conf/profiles/%,$(BUILD)/profiles/%,$(wildcard conf/profiles/*.ini))

UNITS = $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/*.c))
TEST_PLUGINS = $(patsubst tests/plugins/%.c,$(BUILD)/tests/plugins/%.so,$(wildcard tests/plugins/*.c))
FUZZ_SOURCES = $(wildcard tests/fuzz/*.c)
SMOKES = $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,$(FUZZ_SOURCES))
FUZZERS = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SOURCES))
BENCHES = $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*.c))

all: deps-build
	@$(MAKE) --no-print-directory build SAN=$(SAN)
build: $(BUILD)/scrip $(BUILD)/libscrip.a $(BUILD)/libscrip.so $(PLUGINS) $(PROFILES)
	@:$(foreach f,$(filter-out $(PLUGINS_BUILT),$(PLUGIN_SOURCES)),; echo '$(call left_out,$(f))')

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<)$(CC) $(ALL_CFLAGS) $(host_cflags) -Icore $(host_folders) -c -o $@ $<

# What `scrip plugin new` writes, as strings: new/service.c becomes template_service_c.
TEMPLATES = $(wildcard core/cli/new/*)
$(BUILD)/core/cli/templates.h: $(TEMPLATES)
	@mkdir -p $(@D)
	$(call quiet,TEXT,$@)for f in $(TEMPLATES); do \
	    echo "static const char template_$$(basename $$f | tr .- __)[] ="; \
	    sed 's/[\\"]/\\&/g; s/.*/    "&\\n"/' $$f; echo ';'; done >$@
$(BUILD)/core/cli/new.o: $(BUILD)/core/cli/templates.h
$(BUILD)/core/cli/new.o: ALL_CFLAGS += -I$(BUILD)/core/cli

$(BUILD)/libscrip.a: $(LIB_OBJECTS)
	@rm -f $@
	$(call quiet,AR,$@)ar rcs $@ $^

$(BUILD)/libscrip.so: $(LIB_OBJECTS)
	$(call quiet,LD,$@)$(CC) -shared -Wl,-soname,libscrip.so.0 -o $@ $^ $(ALL_LDFLAGS) $(host_libs)

$(BUILD)/scrip: $(CLI_OBJECTS) $(BUILD)/libscrip.a
	$(call quiet,LD,$@)$(CC) -o $@ $^ $(ALL_LDFLAGS) $(host_libs)

# A plugin sees the public header, libc and its own library, nothing of core/.
$(BUILD)/plugins/%.so: plugins/%.c
	@mkdir -p $(@D)
	$(call quiet,PLUGIN,$<)$(CC) $(ALL_CFLAGS) \
	    $(if $(call needs,$<),$(shell pkg-config --cflags $(call libraries,$<))) -shared -o $@ $< $(ALL_LDFLAGS) \
	    $(if $(call needs,$<),$(shell pkg-config --libs $(call libraries,$<)))

# Where a program in a build tree looks for profiles.
$(BUILD)/profiles/%.ini: conf/profiles/%.ini
	@mkdir -p $(@D)
	$(call quiet,PROFILE,$<)install -m 644 $< $@

$(BUILD)/tests/unit/%: tests/unit/%.c $(BUILD)/libscrip.a
	@mkdir -p $(@D)
	$(call quiet,CCLD,$<)$(CC) $(ALL_CFLAGS) $(host_cflags) $(shell pkg-config --cflags check) -Icore -Itests -o $@ $< \
	    $(BUILD)/libscrip.a $(ALL_LDFLAGS) $(host_libs) $(shell pkg-config --libs check)

$(BUILD)/tests/plugins/%.so: tests/plugins/%.c
	@mkdir -p $(@D)
	$(call quiet,PLUGIN,$<)$(CC) $(ALL_CFLAGS) -shared -o $@ $< $(ALL_LDFLAGS)

$(BUILD)/tests/bench/%: tests/bench/%.c $(BUILD)/libscrip.a
	@mkdir -p $(@D)
	$(call quiet,CCLD,$<)$(CC) $(ALL_CFLAGS) $(host_cflags) -Icore -o $@ $< $(BUILD)/libscrip.a $(ALL_LDFLAGS) $(host_libs) \
	    $(shell pkg-config --libs sqlite3)

# A target may hold a plugin, with what that needs.
fuzz_libs = $(shell pkg-config --libs $(call libraries,plugins/source/csv.c))
# A fuzz target as a plain program that feeds itself, for machines without a fuzzer.
$(BUILD)/tests/fuzz/%: tests/fuzz/%.c $(BUILD)/tests/fuzz/smoke/main.o $(BUILD)/libscrip.a
	@mkdir -p $(@D)
	$(call quiet,CCLD,$<)$(CC) $(ALL_CFLAGS) $(host_cflags) -Icore -o $@ $< $(BUILD)/tests/fuzz/smoke/main.o \
	    $(BUILD)/libscrip.a $(ALL_LDFLAGS) $(host_libs) $(fuzz_libs)

FUZZ_CC = clang
FUZZ_SECONDS ?= 60
build/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h core/*.[ch] include/scrip/*.h plugins/source/*.[ch])
	@mkdir -p $(@D)
	$(call quiet,FUZZ,$<)$(FUZZ_CC) -std=c11 -D_GNU_SOURCE -g -O1 -fsanitize=fuzzer,address,undefined \
	    -fno-sanitize-recover=undefined -pthread -Iinclude -Icore $(host_folders) $(host_cflags) \
	    -o $@ $< $(wildcard core/*.c) $(host_libs) $(fuzz_libs)

# ---- what a user types

demo: all
	@SCRIP=$(CURDIR)/$(BUILD)/scrip tests/demo.sh

check: deps-check
	@$(MAKE) --no-print-directory run-tests SAN=$(SAN)
run-tests: build $(UNITS) $(TEST_PLUGINS) $(BENCHES) $(SMOKES)
	@BUILD=$(CURDIR)/$(BUILD) SAN=$(SAN) CC="$(CC)" tests/run.sh

fuzz: deps-build
	@FUZZ_CC=$(FUZZ_CC) tests/fuzz/run.sh check
	@$(MAKE) --no-print-directory $(FUZZERS)
	@FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run.sh $(FUZZERS)

bench: deps-check
	@$(MAKE) --no-print-directory build $(BENCHES)
	@BUILD=$(CURDIR)/$(BUILD) tests/bench/run.sh

# Reports over ten million charges on PostgreSQL: apart, since they have to be there first.
bench-reports: deps-check
	@$(MAKE) --no-print-directory build $(BENCHES)
	@BUILD=$(CURDIR)/$(BUILD) tests/bench/reports.sh

# Longer runs of what `make check` does in short, with another seed each time (SEED=N repeats one).
soak: deps-check
	@$(MAKE) --no-print-directory build
	@export SCRIP=$(CURDIR)/$(BUILD)/scrip SEED=$${SEED:-$$(date +%s)}; echo "SEED=$$SEED"; \
	    HISTORIES=$${HISTORIES:-10000} python3 -B tests/system/model.py && KILLS=$${KILLS:-200} python3 -B tests/system/tokenflex.py

# Three PostgreSQL servers whose leader is killed while hosts write.
test-ha: deps-ha
	@$(MAKE) --no-print-directory build
	@SCRIP=$(CURDIR)/$(BUILD)/scrip python3 -B tests/ha/run.py

install: all
	$(call quiet,INSTALL,$(DESTDIR)$(PREFIX))set -e; \
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include/scrip $(DESTDIR)$(LIBDIR)/pkgconfig; \
	install -m 755 $(BUILD)/scrip $(DESTDIR)$(PREFIX)/bin/scrip; \
	install -m 644 include/scrip/*.h $(DESTDIR)$(PREFIX)/include/scrip/; \
	install -m 644 $(BUILD)/libscrip.a $(DESTDIR)$(LIBDIR)/libscrip.a; \
	install -m 755 $(BUILD)/libscrip.so $(DESTDIR)$(LIBDIR)/libscrip.so.0; \
	ln -sf libscrip.so.0 $(DESTDIR)$(LIBDIR)/libscrip.so; \
	for so in $(PLUGINS:$(BUILD)/plugins/%=%); do \
	    install -D -m 755 $(BUILD)/plugins/$$so $(DESTDIR)$(LIBDIR)/scrip/$$so; done; \
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/scrip/profiles $(PROFILES); \
	printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$(LIBDIR)' 'includedir=$${prefix}/include' 'plugindir=$${libdir}/scrip' \
	    "abi=$$($(BUILD)/scrip --version | sed 's/.* //')" 'Name: scrip' 'Description: accounts for prepaid virtual currencies' \
	    'Version: 0.1.0' 'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -lscrip' > $(DESTDIR)$(LIBDIR)/pkgconfig/scrip.pc

clean:
	rm -rf build

# ---- what the machine must have

deps-build:
	@tests/deps.sh gcc:gcc pkg-config:pkgconf inih:libinih-dev yajl:libyajl-dev libsodium:libsodium-dev \
	    gmp.h:libgmp-dev sqlite3:libsqlite3-dev zlib:zlib1g-dev libzip:libzip-dev
deps-check: deps-build
	@tests/deps.sh check:check sqlite3:sqlite3 valgrind:valgrind python3:python3 g++:g++ lua5.4:liblua5.4-dev \
	    libpq:libpq-dev pg_ctlcluster:postgresql libcurl:libcurl4-openssl-dev openssl:openssl jq:jq \
	    pgbouncer:pgbouncer rdkafka:librdkafka-dev libnats:libnats-dev nats-server:nats-server

# Debian starts services of these as it installs them, which the test does not use.
deps-ha: deps-check
	@tests/deps.sh etcd:etcd-server patroni:patroni

.PHONY: all build demo check run-tests fuzz bench bench-reports soak test-ha install clean deps-build deps-check deps-ha

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
