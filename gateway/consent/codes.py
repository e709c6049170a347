"""Facts about codes the engine compares: hierarchies, systems, kinds of resources.

v3-ActReason, v3-ActCode, v3-Confidentiality: https://terminology.hl7.org
Patient compartment: https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

from collections.abc import Mapping

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
OBSERVATION_VALUE = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
ICD_10_GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
RESOURCE_TYPES = frozenset(
    {
        "http://hl7.org/fhir/resource-types",
        "http://hl7.org/fhir/fhir-types",
        "http://hl7.org/fhir/defined-types",
    }
)
#: Code systems whose codes classify by prefix: F10 covers F10.2.
HIERARCHICAL_BY_PREFIX = frozenset(
    {
        ICD_10_GM,
        "http://fhir.de/CodeSystem/dimdi/icd-10-gm",
        "http://hl7.org/fhir/sid/icd-10-gm",
        "http://hl7.org/fhir/sid/icd-10",
        "http://hl7.org/fhir/sid/icd-10-cm",
    }
)
#: Code systems of policies: `provision.code` from these names what was agreed to, not data.
POLICY_SYSTEMS = frozenset({"urn:oid:2.16.840.1.113883.3.1937.777.24.5.3"})

#: How protected, from least to most.
RANK: Mapping[str, int] = {"U": 0, "L": 1, "M": 2, "N": 3, "R": 4, "V": 5}

BREAK_GLASS = "BTG"
TREATMENT = "TREAT"

# Child → parents. BTG stands under ETREAT in the code system and is left out on purpose: nobody
# agrees to break-glass by agreeing to treatment. CAREMGT stands under operations in R4 and under
# treatment in later releases; both hold.
PURPOSE_PARENTS: Mapping[str, tuple[str, ...]] = {
    "CAREMGT": ("HOPERAT", "TREAT"),
    **dict.fromkeys(("CLINTRL", "COC", "ETREAT", "POPHLTH"), ("TREAT",)),
    "ERTREAT": ("ETREAT",),
    **dict.fromkeys(
        (
            *("DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT", "HDM", "HLEGAL"),
            *("HOUTCOMS", "HPRGRP", "HQUALIMP", "HSYSADMIN", "MEMADMIN", "MILCDM", "PATADMIN"),
            *("PATSFTY", "PERFMSR", "RECORDMGT", "SYSDEV", "TRAIN"),
        ),
        ("HOPERAT",),
    ),
    **dict.fromkeys(("LABELING", "METAMGT"), ("HSYSADMIN",)),
    "HTEST": ("SYSDEV",),
    **dict.fromkeys(("CLMATTCH", "COVAUTH", "COVERAGE", "REMITADV"), ("HPAYMT",)),
    **dict.fromkeys(("ELIGDTRM", "ELIGVER", "ENROLLM", "MILDCRG"), ("COVERAGE",)),
    **dict.fromkeys(("BIORCH", "CLINTRCH", "DSRCH", "POARCH", "TRANSRCH"), ("HRESCH",)),
    **dict.fromkeys(("CLINTRCHNPC", "CLINTRCHPC", "PRECLINTRCH"), ("CLINTRCH",)),
    **dict.fromkeys(("FAMRQT", "PWATRNY", "SUPNWK"), ("PATRQT",)),
    **dict.fromkeys(("DISASTER", "THREAT"), ("PUBHLTH",)),
}
#: Purposes of running care: a consent to research says nothing about them unless it names one.
CARE_PURPOSES = ("TREAT", "HPAYMT", "HOPERAT", "PATRQT")

# ETH (substance abuse) is the umbrella IHE PCF uses for ETHUD and OPIOIDUD; v3 puts them under SUD.
SENSITIVITY_PARENTS: Mapping[str, tuple[str, ...]] = {
    "ETHUD": ("ETH", "SUD"),
    "OPIOIDUD": ("ETH", "SUD"),
    **dict.fromkeys(("COGN", "DVD", "EMOTDIS"), ("BH",)),
    **dict.fromkeys(("BH", "MH", "PSY", "PSYTHPN", "SUD"), ("SPI",)),
    **dict.fromkeys(("DOB", "GENDER", "LIVARG", "MARST", "RACE", "REL"), ("DEMO",)),
}
#: Sensitivities about people in general: they do not raise confidentiality to restricted.
NOT_STIGMATISING = frozenset(
    {"DEMO", "DOB", "GENDER", "LIVARG", "MARST", "RACE", "REL", "B", "EMPL", "LOCIS", "PDS", "EMP"}
)
#: v3-ActCode values in meta.security that say how to handle data, not what is sensitive about it.
HANDLING = frozenset(
    {
        *("PROCESSINLINELABEL", "ENCRYPT", "ENCRYPTR", "ENCRYPTT", "ENCRYPTU", "DEID", "PSEUD"),
        *("DELAU", "DELEPSN", "MASK", "REDACT", "MINEC", "HUAPRV", "CPLYPOL", "CPLYCUI"),
        *(
            "CPLYCD",
            "CPLYCC",
            "CPLYJPP",
            "CPLYJSP",
            "CPLYOPP",
            "CPLYOSP",
            "PRIVMARK",
            "PERSISTLABEL",
        ),
        *("AUDIT", "AUDTR", "DECLASSIFYLABEL", "DOWNGRDLABEL", "UPGRDLABEL"),
        *("NOAUTH", "NOCOLLECT", "NODSCLCD", "NODSCLCDS", "NOINTEGRATE", "NOLIST", "NOMOU"),
        *("NOORGPOL", "NOPAT", "NOPERSISTP", "NOPOLICY", "NORDSCLCD", "NORDSCLCDS", "NORDSCLW"),
        *("NORELINK", "NOREUSE", "NOVIP", "ORCON"),
        *("COMPT", "ACOCOMPT", "CTCOMPT", "FMCOMPT", "HRCOMPT", "LRCOMPT", "PACOMPT"),
        *("RESCOMPT", "RMGTCOMPT"),
    }
)


def is_a(code: str, ancestor: str, parents: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a code is another one or stands below it."""
    if code == ancestor:
        return True
    return any(is_a(parent, ancestor, parents) for parent in parents.get(code, ()))


#: Resources about the health system and its language: no patient, no consent (rule R1).
DIRECTORY = frozenset(
    {
        *("ActivityDefinition", "CapabilityStatement", "CatalogEntry", "ChargeItemDefinition"),
        *("CodeSystem", "CompartmentDefinition", "ConceptMap", "DeviceDefinition"),
        *("EffectEvidenceSynthesis", "Endpoint", "EventDefinition", "Evidence"),
        *("EvidenceVariable", "ExampleScenario", "GraphDefinition", "HealthcareService"),
        *("ImplementationGuide", "InsurancePlan", "Library", "Location", "Measure"),
        *("Medication", "MedicationKnowledge", "MedicinalProduct"),
        *("MedicinalProductAuthorization", "MedicinalProductContraindication"),
        *("MedicinalProductIndication", "MedicinalProductIngredient"),
        *("MedicinalProductInteraction", "MedicinalProductManufactured"),
        *("MedicinalProductPackaged", "MedicinalProductPharmaceutical"),
        *("MedicinalProductUndesirableEffect", "MessageDefinition", "NamingSystem"),
        *("ObservationDefinition", "OperationDefinition", "OperationOutcome", "Organization"),
        *("OrganizationAffiliation", "PlanDefinition", "Practitioner", "PractitionerRole"),
        *("Questionnaire", "ResearchDefinition", "ResearchElementDefinition", "ResearchStudy"),
        *("RiskEvidenceSynthesis", "SearchParameter", "Slot", "SpecimenDefinition"),
        *("StructureDefinition", "StructureMap", "Substance", "SubstanceNucleicAcid"),
        *("SubstancePolymer", "SubstanceProtein", "SubstanceReferenceInformation"),
        *("SubstanceSourceMaterial", "SubstanceSpecification", "TerminologyCapabilities"),
        *("TestReport", "TestScript", "ValueSet"),
    }
)
#: Directory resources as long as they name no patient.
DIRECTORY_WITHOUT_PATIENT = frozenset({"Device", "Schedule", "Group"})
#: Where a resource names its patient, when not in `subject` or `patient`.
SUBJECT_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "Appointment": ("participant.actor",),
    "AppointmentResponse": ("actor",),
    "AuditEvent": ("entity.what", "agent.who"),
    "BiologicallyDerivedProduct": ("collection.source",),
    "Binary": ("securityContext",),
    "Coverage": ("beneficiary",),
    "Device": ("patient",),
    "EnrollmentRequest": ("candidate",),
    "Group": ("member.entity",),
    "MessageHeader": ("focus",),
    "Person": ("link.target",),
    "Provenance": ("target",),
    "ResearchSubject": ("individual",),
    "Schedule": ("actor",),
    "SupplyRequest": ("deliverTo",),
    "Task": ("for",),
}
#: Types whose subject elements name people and things other than patients as well.
NAMES_OTHERS = frozenset({"Appointment", "AuditEvent", "MessageHeader", "Provenance"})
ORDINARY_SUBJECT = ("subject", "patient")
#: Code systems of Basic resources that carry what of a segment or record nobody mapped.
SEGMENT = "https://region-gateway.example/fhir/CodeSystem/hl7v2-segment"
SATZART = "urn:region-gateway:xdt:8000"
LEFTOVERS = frozenset({SEGMENT, SATZART})
#: Resources about other resources: seen only where one of those they speak of is seen.
SPEAKS_OF: Mapping[str, str] = {"Provenance": "target", "MessageHeader": "focus"}
#: Documents and pictures: what they say is not coded, so labels decide.
FREE_TEXT = frozenset({"DocumentReference", "Binary", "Composition", "Media", "Communication"})

#: Where a resource names who made it; a type that is not listed has no author.
AUTHOR_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "AllergyIntolerance": ("recorder", "asserter"),
    "CarePlan": ("author", "contributor"),
    "ChargeItem": ("enterer", "performer.actor"),
    "ClinicalImpression": ("assessor",),
    "Communication": ("sender",),
    "CommunicationRequest": ("requester", "sender"),
    "Composition": ("author",),
    "Condition": ("recorder", "asserter"),
    "DetectedIssue": ("author",),
    "DeviceRequest": ("requester",),
    "DeviceUseStatement": ("source",),
    "DiagnosticReport": ("performer", "resultsInterpreter"),
    "DocumentManifest": ("author",),
    "DocumentReference": ("author", "authenticator"),
    "Encounter": ("participant.individual",),
    "Flag": ("author",),
    "Goal": ("expressedBy",),
    "ImagingStudy": ("referrer", "interpreter", "series.performer.actor"),
    "Immunization": ("performer.actor",),
    "List": ("source",),
    "Media": ("operator",),
    "MedicationAdministration": ("performer.actor",),
    "MedicationDispense": ("performer.actor",),
    "MedicationRequest": ("requester", "recorder"),
    "MedicationStatement": ("informationSource",),
    "NutritionOrder": ("orderer",),
    "Observation": ("performer",),
    "Procedure": ("recorder", "asserter", "performer.actor"),
    "QuestionnaireResponse": ("author", "source"),
    "RiskAssessment": ("performer",),
    "ServiceRequest": ("requester", "performer"),
    "Specimen": ("collection.collector",),
    "Task": ("requester", "owner"),
}
#: Where a resource says when what it tells happened …
CLINICAL_DATES = (
    *("effectiveDateTime", "effectivePeriod", "effectiveInstant", "performedDateTime"),
    *("performedPeriod", "occurrenceDateTime", "occurrencePeriod", "onsetDateTime"),
    *("onsetPeriod", "abatementDateTime", "abatementPeriod", "period", "collectedDateTime"),
    *("collectedPeriod", "started", "start", "servicedDate", "servicedPeriod", "whenHandedOver"),
    *("executionPeriod", "startDate", "billablePeriod"),
)
#: … and where it says when that was written down.
RECORDED_DATES = (
    *("recordedDate", "issued", "date", "authoredOn", "created", "dateAsserted", "authored"),
    *("sent", "received", "recorded", "assertedDate", "lastOccurrence", "statusDate", "dateTime"),
)
#: Types that tell who a patient is or how insured, and so belong to no period.
DATELESS = frozenset({"Patient", "RelatedPerson", "Person", "Coverage", "Account", "Group"})
#: The code that says what a resource is about.
MAIN_CODES = (
    *("code", "medicationCodeableConcept", "vaccineCode", "type", "productCodeableConcept"),
    *("itemCodeableConcept", "kind"),
)
#: What an Encounter, CarePlan or EpisodeOfCare may refer to without being referred back to.
REFERS_FORWARD: Mapping[str, frozenset[str]] = {
    "Encounter": frozenset({"Condition", "Procedure"}),
    "EpisodeOfCare": frozenset({"Condition", "ServiceRequest", "CareTeam"}),
    "CarePlan": frozenset(
        {
            *("Condition", "Goal", "CareTeam", "Appointment", "CommunicationRequest"),
            *("DeviceRequest", "MedicationRequest", "NutritionOrder", "Task", "ServiceRequest"),
            *("VisionPrescription", "RequestGroup"),
        }
    ),
}
