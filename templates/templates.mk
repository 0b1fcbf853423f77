# SPDX-License-Identifier: MIT
# Files for those who consume the numbers: `make templates` puts templates/CONSUMER/ into $(O)/templates/CONSUMER/, as it is installed.
#
# What has names, numbers or OIDs in it is made: templates/CONSUMER/make.py FILE MIB prints it, from KVMSTAT-MIB of this
# OID_ROOT, events.tsv and causes.tsv, which templates/tables.py reads. Everything else is a file of the tree.
TEMPLATE_INPUT := templates/tables.py templates/yaml_text.py templates/views.py $(O)/KVMSTAT-MIB common/events/events.tsv common/events/reasons.tsv common/derive/causes.tsv

# $(call consumer,NAME,FILES THAT ARE MADE,FILES OF THE TREE,PROGRAMS OF THE TREE,PROGRAMS THAT ARE MADE)
define consumer
TEMPLATES += $(foreach file,README.md $(2) $(3),$(1)/$(file):644) $(foreach file,$(4) $(5),$(1)/$(file):755)
$(foreach file,$(2) $(5),$(O)/templates/$(1)/$(file)): $(O)/templates/$(1)/%: templates/$(1)/make.py $(TEMPLATE_INPUT)
	@mkdir -p $$(@D)
	$$(call say,GEN,$$@)PYTHONPATH=templates PYTHONDONTWRITEBYTECODE=1 $(PYTHON3) $$< $$* $(O)/KVMSTAT-MIB > $$@
$(foreach file,README.md $(3) $(4),$(O)/templates/$(1)/$(file)): $(O)/templates/$(1)/%: templates/$(1)/%
	@mkdir -p $$(@D)
	$$(call say,COPY,$$@)cp $$< $$@
endef

$(eval $(call consumer,prometheus,snmp.yml snmp-0.22.yml,alerts.yml records.yml collectd.yml))
$(eval $(call consumer,snmptt,snmptt.conf.kvmstat,snmptrapd.conf))
$(eval $(call consumer,zabbix,template_kvm_guests_snmp.yaml template_kvm_events_snmp.yaml))
$(eval $(call consumer,opennms,datacollection.xml kvmstat-graph.properties KVMSTAT.events.xml))
$(eval $(call consumer,netcool,kvmstat.include.snmptrap.lookup kvmstat.include.snmptrap.rules))

DASHBOARDS := $(foreach kind,fleet guest,$(foreach source,graphite prometheus-collectd prometheus-snmp,$(kind)-$(source).json))
$(eval $(call consumer,grafana,$(DASHBOARDS),provisioning.yml))
$(eval $(call consumer,graphite,fleet.json guest.json,,kvmstat-alarm))
$(eval $(call consumer,nagios,,nagios.cfg icinga2.conf,,check_kvmstat))
$(O)/templates/nagios/check_kvmstat: templates/nagios/check_kvmstat.in
$(eval $(call consumer,telegraf,kvmstat.conf))
$(eval $(call consumer,checkmk,,,kvmstat))
$(eval $(call consumer,victoriametrics,,write_graphite.conf))

INSTALLED_TEMPLATES := $(foreach entry,$(TEMPLATES),$(O)/templates/$(firstword $(subst :, ,$(entry))):$(DATADIR)/kvmstat/templates/$(entry))

.PHONY: templates
templates: $(foreach entry,$(TEMPLATES),$(O)/templates/$(firstword $(subst :, ,$(entry))))
